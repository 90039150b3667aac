-- Running totals of the newest month with a finished day and of the month before it, day by day. The month before
-- is left out where it was not synced from its first day.
with days as (
    select
        cast(unnest(generate_series(
            date_trunc('month', complete) - interval 1 month, complete, interval 1 day
        )) as date) as date,
        complete
    from span
    where granularity = 'day' and complete >= first_day
),
spent as (
    select date, sum(user_credits) as credits from usage group by date
)
select
    strftime(date_trunc('month', date), '%B %Y') as month,
    date_trunc('month', date) = date_trunc('month', complete) as newest,
    day(date) as day,
    lead(date) over (partition by date_trunc('month', date) order by date) is null as last,
    cast(sum(coalesce(credits, 0)) over (partition by date_trunc('month', date) order by date) as bigint) as credits
from days
left join spent using (date)
where date_trunc('month', date) >= (select synced_from from span)
   or date_trunc('month', date) = date_trunc('month', complete)
order by date;
