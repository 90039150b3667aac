select
    team,
    group_id,
    name as group_name,
    member_count
from ({{ magnific_analytics.listed_rows("groups", "group_id") }}) as listed
