-- The price of each day that has usage and a price. A join of its own, because some warehouses join outer rows by
-- equality alone.
{%- set days %}
select date from {{ ref("stg_magnific__credit_usage") }}
{%- if var("magnific_analytics_api_keys_enabled") %}
union all
select date from {{ ref("stg_magnific__credit_usage_by_api_key") }}
{%- endif %}
{%- endset %}
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
    from (select distinct date from ({{ days }}) as used) as days
    cross join {{ ref("stg_magnific__prices") }} as prices
    where prices.valid_from <= days.date
) as held
where price_age = 1
