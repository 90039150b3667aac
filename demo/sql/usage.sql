-- One row for each day (first day of a period), tool, person, project and group that used anything.
select date, tool, user_email, project_reference, group_name, null as api_key_id,
    cast(sum(user_uses) as bigint) as uses,
    cast(sum(user_credits) as bigint) as credits
from usage
group by all
having sum(user_uses) <> 0 or sum(user_credits) <> 0
order by all;
