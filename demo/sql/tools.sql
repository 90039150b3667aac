select
    period,
    tool as name,
    cast(sum(user_credits) as bigint) as credits,
    cast(sum(user_uses) as bigint) as uses,
    sum(user_credits) / sum(user_uses) as per_use
from usage
join periods on date between periods.first_day and periods.last_day
group by all
having sum(user_uses) > 0
order by period, per_use desc, name;
