with spent as (
    select
        user_email,
        {{ magnific_analytics.total("uses") }} as uses,
        {{ magnific_analytics.total("credits") }} as credits,
        sum(list_cost) as list_cost,
        sum(cost) as cost,
        max(currency) as currency,
        {{ magnific_analytics.total("case when cost is null then credits else 0 end") }} as credits_without_price,
        min(date) as first_day,
        max(date) as last_day
    from {{ ref("magnific__usage") }}
    group by user_email
),

-- The group of the newest row: usage names one group, the list of members none.
last_groups as (
    select
        user_email,
        group_name,
        row_number() over (partition by user_email order by date desc, usage_id desc) as group_age
    from {{ ref("magnific__usage") }}
),

everyone as (
    select user_email from {{ ref("int_magnific__people") }}
    union all
    select user_email from spent where user_email is not null
),

people as (
    select distinct user_email, user_email as person from everyone
    union all
    select null, '{{ magnific_analytics.nobody() }}' from spent where user_email is null
)

select
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
        and (spent.last_day is null or spent.last_day < {{ magnific_analytics.day(dbt.dateadd("day", -30, "last_sync.as_of")) }})
        as is_idle_seat
from people
cross join {{ ref("stg_magnific__last_sync") }} as last_sync
left join {{ ref("int_magnific__people") }} as members on members.user_email = people.user_email
left join spent on coalesce(spent.user_email, '{{ magnific_analytics.nobody() }}') = people.person
left join last_groups
    on coalesce(last_groups.user_email, '{{ magnific_analytics.nobody() }}') = people.person
    and last_groups.group_age = 1
