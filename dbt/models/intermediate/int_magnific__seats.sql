-- Seats at the end of each month with usage, and today. Who was there at the first snapshot counts as having been
-- there before it, since nothing older is known.
with months as (
    select distinct {{ magnific_analytics.month_of("date") }} as month from {{ ref("stg_magnific__credit_usage") }}
    union all
    select {{ magnific_analytics.month_of("as_of") }} from {{ ref("stg_magnific__last_sync") }}
),

versions as (
    select
        user_email,
        status,
        case when dbt_valid_from > min(dbt_valid_from) over () then cast(dbt_valid_from as date) end as valid_from,
        cast(dbt_valid_to as date) as valid_to
    from {{ ref("magnific__members_history") }}
)

select
    months.month,
    count(*) as seats
from (select distinct month, {{ magnific_analytics.month_after("month") }} as month_after from months) as months
cross join versions
where (versions.valid_from is null or versions.valid_from < months.month_after)
  and (versions.valid_to is null or versions.valid_to >= months.month_after)
  and {{ magnific_analytics.has_seat("versions.status") }}
group by months.month
