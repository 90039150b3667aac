-- What did each API key spend? A key without usage has 0 credits; a deleted key's usage is listed under its ID.
-- The last row is the team's usage without an API key, mostly from the web application.
with spent as (
    select
        api_key_id,
        sum(user_uses) as uses,
        sum(user_credits) as credits,
        min(date) as first_day,
        max(date) as last_day
    from credit_usage_by_api_key
    where granularity = 'day'
      and tool is not null
    group by api_key_id
),
keys_and_rest as (
    select
        coalesce(api_keys.display_name, spent.api_key_id, api_keys.api_key_id) as api_key,
        coalesce(spent.api_key_id, api_keys.api_key_id) as api_key_id,
        api_keys.status,
        coalesce(spent.uses, 0) as uses,
        coalesce(spent.credits, 0) as credits,
        spent.first_day,
        spent.last_day,
        0 as place
    from spent
    full outer join api_keys on api_keys.api_key_id = spent.api_key_id
    union all
    select
        '(without an API key)',
        null,
        null,
        sum(user_uses) - coalesce((select sum(uses) from spent), 0),
        sum(user_credits) - coalesce((select sum(credits) from spent), 0),
        min(date),
        max(date),
        1
    from credit_usage
    where granularity = 'day'
      and tool is not null
)
select api_key, api_key_id, status, uses, credits, first_day, last_day
from keys_and_rest
order by place, credits desc, api_key;
