-- The prices on each day. Models join them by date, because some warehouses support outer joins only on equality.
with days as (
    select date from {{ ref("stg_magnific__credit_usage") }}
    union distinct
    select date from {{ ref("stg_magnific__credit_usage_by_api_key") }}
    union distinct
    select used_through from {{ ref("int_magnific__cycles") }}
)

select
    date,
    list_price,
    contracted_price,
    currency
from (
    select
        days.date,
        prices.list_price,
        prices.contracted_price,
        prices.currency,
        row_number() over (partition by days.date order by prices.valid_from desc) as price_age
    from days
    cross join {{ ref("stg_magnific__prices") }} as prices
    where prices.valid_from <= days.date
) as held
where price_age = 1
