-- How does each month compare with the previous month? The query compares the current month with the same number of
-- days of the previous month, or with that whole month if it is shorter. The query leaves out the day of the last sync.
-- The comparison is empty until seven days of a month are over, because a weekend, for example, cannot be compared with
-- two working days. It is also empty if the data starts after the first day of the previous month.
with daily as (
    select date, sum(user_credits) as credits
    from credit_usage
    where granularity = 'day'
      and tool is not null
    group by date
),
synced as (
    -- If the connection has an `end_date` in the past, replace the expression below with that date.
    select cast(cast(max(_airbyte_extracted_at) as date) - interval '1 day' as date) as last_day
    from credit_usage
),
begun as (
    select distinct cast(date_trunc('month', date) as date) as month
    from daily
    union
    select cast(date_trunc('month', last_day) as date)
    from synced
),
months as (
    select
        month,
        case
            when cast(month + interval '1 month' - interval '1 day' as date) < last_day
            then cast(month + interval '1 month' - interval '1 day' as date)
            else last_day
        end as through
    from begun
    cross join synced
    where month <= last_day
),
compared as (
    select
        month,
        through,
        cast(month - interval '1 month' as date) as compared_from,
        case
            when through = cast(month + interval '1 month' - interval '1 day' as date)
            then cast(month - interval '1 day' as date)
            else cast(through - interval '1 month' as date)
        end as compared_to
    from months
),
added_up as (
    select
        month,
        through,
        compared_from,
        compared_to,
        coalesce(sum(case when daily.date >= month then daily.credits end), 0) as credits,
        sum(case when daily.date between compared_from and compared_to then daily.credits end) as compared_credits
    from compared
    left join daily on daily.date between compared_from and through
    group by month, through, compared_from, compared_to
)
select
    month,
    through,
    credits,
    compared_from,
    compared_to,
    case
        when compared_from >= first_day and through >= cast(month + interval '6 day' as date)
        then coalesce(compared_credits, 0)
    end as compared_credits,
    case
        when compared_from >= first_day and through >= cast(month + interval '6 day' as date)
        then round(100.0 * (credits - compared_credits) / nullif(compared_credits, 0), 1)
    end as growth_percent
from added_up
cross join (select min(date) as first_day from daily) as first_usage
order by month;
