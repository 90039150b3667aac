-- Usage as Magnific last reported it. A deleted row has no tool. In a table that keeps all versions (plain append),
-- such a row supersedes an older one, so filter it out only after the newest rows have been chosen.
select
    team,
    usage_id,
    cast(date as date) as date,
    tool,
    lower(trim(user_email)) as user_email,
    user_uses as uses,
    user_credits as credits,
    project_reference,
    project_name,
    group_name,
    {{ magnific_analytics.utc_timestamp("_airbyte_extracted_at") }} as extracted_at
from ({{ magnific_analytics.newest_rows("credit_usage", "usage_id") }}) as newest
where tool is not null
  and granularity = 'day'
