-- The current members, one row per person. Addresses that differ only in case are treated as one person.
select
    team,
    lower(trim(email)) as user_email,
    role,
    status
from ({{ magnific_analytics.listed_rows("members", "lower(trim(email))") }}) as listed
