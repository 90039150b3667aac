-- Who is listed today, one row for a person whatever the case of the address.
select
    team,
    lower(trim(email)) as user_email,
    role,
    status
from ({{ magnific_analytics.listed_rows("members", "lower(trim(email))") }}) as listed
