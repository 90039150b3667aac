-- Uses and credits of each day (first day of a period), tool, person, project and group, and where they are stored.
select date, tool, user_email, project_reference, project_name, group_name,
    sum(user_uses) as uses,
    sum(user_credits) as credits,
    list(usage_id order by usage_id) as usage_ids
from usage
group by all
order by all;
