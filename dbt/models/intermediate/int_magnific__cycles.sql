-- Each plan's billing cycles that have begun and overlap the synced days, with the plan's credits. Each calendar month
-- of a team is also a cycle, with the scope 'month' and without a plan.
{%- set first_month = magnific_analytics.month_of("first_day") %}
with anchors as (
    select team, scope, name_key, period, valid_from as anchor
    from (
        select *, row_number() over (partition by team, scope, name_key order by valid_from) as place
        from {{ ref("int_magnific__allowances") }}
        where valid_to is null
    ) as plans
    where place = 1
    union all
    select team, 'month', '', 'month', {{ first_month }}
    from {{ ref("stg_magnific__last_sync") }}
),

-- Cycles are counted from the plan's first day, so that they can start on the 31st again after a shorter month.
cycles as (
    select
        team,
        scope,
        name_key,
        {% for step, name in ((0, "cycle_start"), (1, "next_start")) -%}
        {{ magnific_analytics.day(
            "case period when 'year' then " ~ dbt.dateadd("year", "number + " ~ step, "anchor")
            ~ " else " ~ dbt.dateadd("month", "number + " ~ step, "anchor") ~ " end"
        ) }} as {{ name }}{{ "," if not loop.last }}
        {% endfor %}
    from anchors
    cross join {{ ref("int_magnific__numbers") }} as numbers
),

reached as (
    select
        cycles.*,
        {{ magnific_analytics.days_after("cycles.next_start", -1) }} as cycle_end,
        last_sync.as_of,
        last_sync.first_day
    from cycles
    inner join {{ ref("stg_magnific__last_sync") }} as last_sync on last_sync.team = cycles.team
    where cycles.cycle_start <= last_sync.as_of
      and cycles.next_start > last_sync.first_day
),

-- For each cycle, the plan's newest row that applied when the cycle began.
plans as (
    select *
    from (
        select
            reached.*,
            plans.name,
            plans.credits,
            plans.credits_per_seat,
            row_number() over (
                partition by reached.team, reached.scope, reached.name_key, reached.cycle_start
                order by plans.valid_from desc
            ) as plan_age
        from reached
        left join {{ ref("int_magnific__allowances") }} as plans
            on plans.team = reached.team
            and plans.scope = reached.scope
            and plans.name_key = reached.name_key
            and plans.valid_to is null
            and plans.valid_from <= reached.cycle_start
    ) as held
    where plan_age = 1
),

team_seats as (
    select starts.team, starts.cycle_start, count(*) as seats
    from (select distinct team, cycle_start from plans where scope = 'team') as starts
    inner join {{ ref("int_magnific__seats") }} as held on held.team = starts.team
    where (held.taken_on is null or held.taken_on <= starts.cycle_start)
      and (held.given_up_on is null or held.given_up_on > starts.cycle_start)
    group by starts.team, starts.cycle_start
),

-- Magnific does not report how many members a group had when the cycle began, so today's count is used.
group_seats as (
    select team, {{ magnific_analytics.name_key("group_name") }} as name_key, sum(member_count) as seats
    from {{ ref("stg_magnific__groups") }}
    group by team, {{ magnific_analytics.name_key("group_name") }}
)

select
    plans.team,
    plans.scope,
    plans.name,
    plans.name_key,
    plans.cycle_start,
    plans.cycle_end,
    plans.as_of,
    plans.first_day,
    least(plans.cycle_end, plans.as_of) as used_through,
    plans.as_of <= plans.cycle_end as is_current,
    case when plans.credits_per_seat is not null then coalesce(team_seats.seats, group_seats.seats) end as seats,
    cast(
        coalesce(plans.credits, plans.credits_per_seat * coalesce(team_seats.seats, group_seats.seats))
        as {{ dbt.type_bigint() }}
    ) as plan_credits
from plans
left join team_seats
    on plans.scope = 'team'
    and team_seats.team = plans.team
    and team_seats.cycle_start = plans.cycle_start
left join group_seats
    on plans.scope = 'group'
    and group_seats.team = plans.team
    and group_seats.name_key = plans.name_key
