-- Return the credits used and the forecast from {start} to {end}, as of {day}. Count only the rows where {whose}.
with spent as (
    select date, sum(user_credits) as credits
    from {schema}.credit_usage
    where granularity = 'day' and tool is not null and _ab_cdc_deleted_at is null and {whose}
    group by date
),
known as (select min(date) as first_day from {schema}.credit_usage),
past as (
    select cast(gone as date) as date
    from known, generate_series(date '{day}' - interval '28 days', date '{day}' - interval '1 day', interval '1 day') as days(gone)
    where gone >= first_day
),
coming as (
    select cast(day as date) as date
    from generate_series(timestamp '{day}', timestamp '{end}', interval '1 day') as days(day)
),
estimates as (
    select coming.date, avg(coalesce(spent.credits, 0)) as credits
    from coming
    join past on extract(isodow from past.date) = extract(isodow from coming.date)
    left join spent on spent.date = past.date
    group by coming.date
)
select
    coalesce((select sum(credits) from spent where date between date '{start}' and date '{day}'), 0) as used,
    coalesce((select sum(credits) from spent where date >= date '{start}' and date < date '{day}'), 0)
    + (select sum(greatest(estimates.credits, case when estimates.date = date '{day}' then coalesce(spent.credits, 0) else 0 end))
       from estimates left join spent on spent.date = estimates.date) as forecast
