-- How does each month compare with the time before it? It is compared with as many earlier days, which begin on the
-- same weekday and end before the month begins: five weeks earlier for 29 to 31 days. A day that was not over when it
-- was last synced is left out. If the data does not reach back that far, the comparison is empty.
with daily as (
    select date, sum(user_credits) as credits
    from credit_usage
    where granularity = 'day'
      and tool is not null
    group by date
),
synced as (
    -- If the connection has an `end_date` in the past, write that date here instead.
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
spans as (
    select
        month,
        through,
        extract(day from through) as days,
        -- The smallest number of whole weeks that has that many days.
        case
            when extract(day from through) <= 7 then cast(month - interval '7 days' as date)
            when extract(day from through) <= 14 then cast(month - interval '14 days' as date)
            when extract(day from through) <= 21 then cast(month - interval '21 days' as date)
            when extract(day from through) <= 28 then cast(month - interval '28 days' as date)
            else cast(month - interval '35 days' as date)
        end as compared_from
    from months
),
compared as (
    select
        month,
        through,
        days,
        compared_from,
        case
            when days <= 7 then cast(through - interval '7 days' as date)
            when days <= 14 then cast(through - interval '14 days' as date)
            when days <= 21 then cast(through - interval '21 days' as date)
            when days <= 28 then cast(through - interval '28 days' as date)
            else cast(through - interval '35 days' as date)
        end as compared_to
    from spans
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
    case when compared_from >= first_day then coalesce(compared_credits, 0) end as compared_credits,
    case
        when compared_from >= first_day
        then round(100.0 * (credits - compared_credits) / nullif(compared_credits, 0), 1)
    end as growth_percent
from added_up
cross join (select min(date) as first_day from daily) as first_usage
order by month;
