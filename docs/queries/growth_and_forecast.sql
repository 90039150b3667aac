-- How does each month compare with the one before, and where will the running month end?
-- A day that was not over when it was last synced is left out. The running month is compared with the same days
-- of the month before. Its forecast is what was used so far, plus the average day of the last four weeks (or of
-- all days since the first usage, where that is less) for each day to come.
with daily as (
    select date, sum(user_credits) as credits
    from credit_usage
    where granularity = 'day'
      and tool is not null
    group by date
),
synced as (
    -- Where the connection has an `end_date` that is past, write that date here instead.
    select cast(cast(max(_airbyte_extracted_at) as date) - interval '1 day' as date) as last_day
    from credit_usage
),
span as (
    select
        last_day,
        first_day,
        cast(date_trunc('month', last_day) as date) as newest_month,
        extract(day from date_trunc('month', first_day) + interval '1 month' - interval '1 day') as first_month_days,
        cast(last_day - interval '27 days' as date) as four_weeks_ago
    from synced
    cross join (select min(date) as first_day from daily) as first_usage
    where first_day <= last_day
),
average as (
    select
        1.0 * sum(daily.credits) / max(
            case
                when first_day <= four_weeks_ago then 28
                when first_day >= newest_month then extract(day from last_day) - extract(day from first_day) + 1
                else extract(day from last_day) + first_month_days - extract(day from first_day) + 1
            end
        ) as credits_a_day
    from span
    left join daily on daily.date between four_weeks_ago and last_day
),
begun as (
    select distinct cast(date_trunc('month', date) as date) as month
    from daily
    union
    select newest_month from span
),
months as (
    select
        month,
        last_day,
        cast(month + interval '1 month' - interval '1 day' as date) as month_end,
        cast(month - interval '1 month' as date) as month_before
    from begun
    cross join span
    where month <= last_day
),
compared as (
    select
        month,
        month_end,
        case when month_end < last_day then month_end else last_day end as through,
        sum(case when daily.date >= month then daily.credits end) as credits,
        sum(
            case
                when daily.date < month
                    and (month_end <= last_day or extract(day from daily.date) <= extract(day from last_day))
                then daily.credits
            end
        ) as same_days_before
    from months
    left join daily on daily.date between month_before and month_end and daily.date <= last_day
    group by month, month_end, last_day
)
select
    month,
    through,
    coalesce(credits, 0) as credits,
    round(100.0 * (coalesce(credits, 0) - same_days_before) / nullif(same_days_before, 0), 1) as growth_percent,
    round(
        coalesce(credits, 0)
        + (extract(day from month_end) - extract(day from through)) * coalesce(credits_a_day, 0)
    ) as forecast
from compared
cross join average
order by month;
