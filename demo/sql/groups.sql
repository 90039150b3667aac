select
    period,
    case
        when group_name is not null then group_name
        when user_email is not null then 'No group'
        else 'Not attributed to a person'
    end as name,
    group_name is null as leftover,
    cast(sum(user_credits) as bigint) as credits,
    cast(sum(user_uses) as bigint) as uses
from usage
join periods on date between periods.first_day and periods.last_day
group by all
having sum(user_credits) > 0
order by period, leftover, credits desc, name;
