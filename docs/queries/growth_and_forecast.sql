-- How does each month compare with the one before, and where will the running month end?
-- The newest day is still going on, so everything ends on the day before it. The running month is compared with
-- the same days of the month before. Its forecast is what was used so far, plus the average day of the last four
-- weeks for each day to come.
with daily as (
    select date, sum(user_credits) as credits
    from credit_usage
    where granularity = 'day'
    group by date
),
finished as (
    select max(date) - 1 as last_day
    from daily
    where credits > 0
),
months as (
    select
        month,
        least(cast(month + interval '1 month' as date) - 1, last_day) as through,
        cast(month + interval '1 month' as date) - 1 as month_end,
        cast(month - interval '1 month' as date) as month_before,
        last_day
    from (
        select distinct cast(date_trunc('month', date) as date) as month, last_day
        from daily
        cross join finished
        where date <= last_day
    ) as begun
),
compared as (
    select
        month,
        through,
        month_end,
        (select sum(credits) from daily where date between month and through) as credits,
        (
            select sum(credits)
            from daily
            where date >= month_before
              and date < month
              and (through = month_end or date - month_before <= through - month)
        ) as same_days_before,
        (select sum(credits) from daily where date > last_day - 28 and date <= last_day) as last_28_days
    from months
)
select
    month,
    through,
    coalesce(credits, 0) as credits,
    round(100.0 * (coalesce(credits, 0) - same_days_before) / nullif(same_days_before, 0), 1) as growth_percent,
    round(coalesce(credits, 0) + (month_end - through) * coalesce(last_28_days, 0) / 28.0) as forecast
from compared
order by month;
