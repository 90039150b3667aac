-- One row for each day of each cycle, with the used and expected credits and their running totals.
with cycles as (
    select * from {{ ref("int_magnific__cycles") }}
),

usage_rows as (
    select * from {{ ref("int_magnific__usage") }}
),

named as (
    {% for scope, name_key, rule in (
        ("month", "''", ""),
        ("team", "''", ""),
        ("group", magnific_analytics.name_key("group_name"), ""),
        ("person", "user_email", ""),
        ("project", "lower(project_reference)", ""),
        ("project", magnific_analytics.name_key("project_name"), "where lower(project_reference) <> "
            ~ magnific_analytics.name_key("project_name")),
    ) -%}
    select team, '{{ scope }}' as scope, {{ name_key }} as name_key, date, credits, cost from usage_rows {{ rule }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

daily as (
    select
        team,
        scope,
        name_key,
        date,
        sum(credits) as credits,
        sum(cost) as cost,
        sum(case when cost is null then 1 else 0 end) as rows_without_price
    from named
    where name_key is not null
    group by team, scope, name_key, date
),

-- Usage on each day of the four weeks before the last sync, as far back as there is data. `weekday` is the number of
-- days before the last sync, modulo 7.
past as (
    select
        running.team,
        running.scope,
        running.name_key,
        mod(numbers.number, 7) as weekday,
        coalesce(daily.credits, 0) as credits
    from (
        select team, scope, name_key, as_of, first_day from cycles where is_current
    ) as running
    inner join {{ ref("int_magnific__numbers") }} as numbers
        on numbers.number between 1 and 28
        and {{ magnific_analytics.days_after("running.as_of", "-numbers.number") }} >= running.first_day
    left join daily
        on daily.team = running.team
        and daily.scope = running.scope
        and daily.name_key = running.name_key
        and daily.date = {{ magnific_analytics.days_after("running.as_of", "-numbers.number") }}
),

-- The mean usage on each weekday. A weekday without data gets the mean of all days.
means as (
    select
        all_days.team,
        all_days.scope,
        all_days.name_key,
        weekdays.number as weekday,
        cast(
            coalesce(avg(case when all_days.weekday = weekdays.number then all_days.credits end), avg(all_days.credits))
            as {{ dbt.type_numeric() }}
        ) as credits
    from past as all_days
    cross join (select number from {{ ref("int_magnific__numbers") }} where number < 7) as weekdays
    group by all_days.team, all_days.scope, all_days.name_key, weekdays.number
),

days as (
    select
        cycles.team,
        cycles.scope,
        cycles.name_key,
        cycles.cycle_start,
        cycles.is_current,
        cycles.as_of,
        {{ magnific_analytics.days_after("cycles.cycle_start", "numbers.number") }} as date
    from cycles
    inner join {{ ref("int_magnific__numbers") }} as numbers
        on {{ magnific_analytics.days_after("cycles.cycle_start", "numbers.number") }} <= cycles.cycle_end
),

expected as (
    select
        days.team,
        days.scope,
        days.name_key,
        days.cycle_start,
        days.date,
        case when days.date <= days.as_of then coalesce(daily.credits, 0) end as credits,
        daily.cost,
        coalesce(daily.rows_without_price, 0) as rows_without_price,
        case
            when days.date < days.as_of then coalesce(daily.credits, 0)
            -- The forecast for the current day is at least its usage so far.
            when days.date = days.as_of and daily.credits > means.credits then daily.credits
            else means.credits
        end as expected_credits,
        days.date >= days.as_of as is_to_come
    from days
    left join daily
        on daily.team = days.team
        and daily.scope = days.scope
        and daily.name_key = days.name_key
        and daily.date = days.date
        and daily.date <= days.as_of
    left join means
        on means.team = days.team
        and means.scope = days.scope
        and means.name_key = days.name_key
        and means.weekday = mod(7 - mod({{ dbt.datediff("days.as_of", "days.date", "day") }} + 700, 7), 7)
)

select
    expected.*,
    sum(credits) over (
        partition by team, scope, name_key, cycle_start order by date rows unbounded preceding
    ) as used_until,
    sum(expected_credits) over (
        partition by team, scope, name_key, cycle_start order by date rows unbounded preceding
    ) as expected_until
from expected
