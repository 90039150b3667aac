-- The same of the usage that went through an API key.
select date, tool, lower(user_email) as user_email, project_reference, group_name, api_key_id,
    cast(sum(user_uses) as bigint) as uses,
    cast(sum(user_credits) as bigint) as credits
from credit_usage_by_api_key
where tool is not null
  and granularity = (select granularity from span)
group by all
having sum(user_uses) <> 0 or sum(user_credits) <> 0
order by all;
