-- The members listed today, one row per person regardless of the case of the address.
select
    team,
    lower(trim(email)) as user_email,
    role,
    status
from ({{ magnific_analytics.listed_rows("members", "lower(trim(email))") }}) as listed
