select
    team,
    usage_id,
    api_key_id,
    cast(date as date) as date,
    tool,
    lower(trim(user_email)) as user_email,
    user_uses as uses,
    user_credits as credits,
    {{ magnific_analytics.utc_timestamp("_airbyte_extracted_at") }} as extracted_at
from ({{ magnific_analytics.newest_rows("credit_usage_by_api_key", "usage_id") }}) as newest
where tool is not null
  and granularity = 'day'
