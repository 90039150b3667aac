select
    team,
    api_key_id,
    display_name,
    status
from ({{ magnific_analytics.newest_rows("api_keys", "api_key_id") }}) as newest
