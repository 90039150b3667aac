-- How many credits does each person use, and what is their role? Members without usage have 0 credits.
-- People who have left the team have no role. The row without an address is usage that Magnific does not attribute to
-- anyone. The query compares email addresses in lower case: Ann@x.com and ann@x.com are one person.
with spent as (
    select
        lower(user_email) as user_email,
        sum(user_uses) as uses,
        sum(user_credits) as credits,
        max(date) as last_day
    from credit_usage
    where granularity = 'day'
      and tool is not null
    group by lower(user_email)
),
team as (
    select lower(email) as email, min(role) as role, min(status) as status
    from members
    group by lower(email)
)
select
    coalesce(spent.user_email, team.email) as user_email,
    team.role,
    team.status,
    coalesce(spent.uses, 0) as uses,
    coalesce(spent.credits, 0) as credits,
    spent.last_day
from spent
full outer join team on team.email = spent.user_email
order by credits desc, user_email;
