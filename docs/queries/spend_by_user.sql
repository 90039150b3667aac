-- Who uses how much, and in which role? Members who use nothing are in it with 0 credits; people who have left
-- the team have no role; usage that Magnific attributes to nobody is one row without an address.
with spent as (
    select
        user_email,
        sum(user_uses) as uses,
        sum(user_credits) as credits,
        max(date) as last_day
    from credit_usage
    where granularity = 'day'
      and tool is not null
    group by user_email
)
select
    coalesce(spent.user_email, members.email) as user_email,
    members.role,
    members.status,
    coalesce(spent.uses, 0) as uses,
    coalesce(spent.credits, 0) as credits,
    spent.last_day
from spent
full outer join members on members.email = spent.user_email
order by credits desc, user_email;
