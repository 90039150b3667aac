select
    api_key_id,
    display_name,
    status,
    created_at
from ({{ magnific_analytics.newest_rows(source("magnific", "api_keys"), "api_key_id") }}) as newest
