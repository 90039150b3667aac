with spent as (
    select
        team,
        person,
        user_email,
        {{ magnific_analytics.total("uses") }} as uses,
        {{ magnific_analytics.total("credits") }} as credits,
        sum(list_cost) as list_cost,
        sum(cost) as cost,
        max(currency) as currency,
        {{ magnific_analytics.total("case when cost is null then credits else 0 end") }} as credits_without_price,
        min(date) as first_day,
        max(date) as last_day
    from {{ ref("int_magnific__usage") }}
    group by team, person, user_email
),

-- A person's group comes from their most recent usage, because the list of members does not contain groups.
last_groups as (
    select
        team,
        person,
        group_name,
        row_number() over (partition by team, person order by date desc, usage_id desc) as group_age
    from {{ ref("int_magnific__usage") }}
),

people as (
    select team, user_email as person, user_email from {{ ref("int_magnific__people") }}
    union distinct
    select team, person, user_email from spent
)

select
    people.team,
    people.person,
    people.user_email,
    members.role as member_role,
    members.status as member_status,
    last_groups.group_name,
    coalesce(spent.uses, 0) as uses,
    coalesce(spent.credits, 0) as credits,
    spent.list_cost,
    spent.cost,
    spent.currency,
    coalesce(spent.credits_without_price, 0) as credits_without_price,
    spent.first_day,
    spent.last_day,
    {{ magnific_analytics.has_seat("members.status") }} as has_seat,
    {{ magnific_analytics.has_seat("members.status") }}
        and (spent.last_day is null or spent.last_day < {{ magnific_analytics.days_after("last_sync.as_of", -30) }})
        as is_idle_seat
from people
left join {{ ref("stg_magnific__last_sync") }} as last_sync on last_sync.team = people.team
left join {{ ref("int_magnific__people") }} as members
    on members.team = people.team
    and members.user_email = people.user_email
left join spent
    on spent.team = people.team
    and spent.person = people.person
left join last_groups
    on last_groups.team = people.team
    and last_groups.person = people.person
    and last_groups.group_age = 1
