-- How many credits does each group use, in total and per member? After a rename, older usage stays under the old name.
-- Usage rows name a group but have no group ID, so groups with the same name share one row, which counts all their members.
-- The query compares email addresses in lower case: Ann@x.com and ann@x.com are one person.
with spent as (
    select
        case
            when group_name is not null then group_name
            when user_email is not null then '(no group)'
            else '(not attributed to a person)'
        end as group_name,
        sum(user_uses) as uses,
        sum(user_credits) as credits,
        count(distinct lower(user_email)) as people
    from credit_usage
    where granularity = 'day'
      and tool is not null
    group by 1
),
heads as (
    select name, sum(member_count) as member_count
    from "groups"
    group by name
)
select
    spent.group_name,
    spent.uses,
    spent.credits,
    spent.people,
    heads.member_count,
    round(1.0 * spent.credits / nullif(heads.member_count, 0), 1) as credits_per_member
from spent
left join heads on heads.name = spent.group_name
order by spent.credits desc, spent.group_name;
