{{ config(enabled=var("magnific_analytics_api_keys_enabled")) }}

select
    usage_id,
    api_key_id,
    cast(date as date) as date,
    tool,
    lower(trim(user_email)) as user_email,
    user_uses as uses,
    user_credits as credits,
    project_reference,
    project_name,
    group_name
from ({{ magnific_analytics.newest_rows(source("magnific", "credit_usage_by_api_key"), "usage_id") }}) as newest
where tool is not null
  and granularity = 'day'
