-- Months whose forecast differs from the usage on completed days plus the expected credits in magnific__forecast.
with months as (
    select team, cycle_start, cycle_end, as_of, forecast
    from {{ ref("int_magnific__measured_cycles") }}
    where scope = 'month'
      and is_current
      and forecast is not null
),

days as (
    select team, cast(date as date) as date, user_credits as credits, false as is_to_come
    from ({{ magnific_analytics.newest_rows("credit_usage", "usage_id") }}) as newest
    where tool is not null
      and granularity = 'day'
    union all
    select team, date, expected_credits, true
    from {{ ref("magnific__forecast") }}
)

select months.team, months.forecast, sum(days.credits) as added_up
from months
left join days
    on days.team = months.team
    and days.date between months.cycle_start and months.cycle_end
    and (days.is_to_come or days.date < months.as_of)
group by months.team, months.forecast
having abs(months.forecast - coalesce(sum(days.credits), 0)) > 1
