-- Age in months on the day of the sync.
select
    coalesce(display_name, api_key_id) as name,
    status,
    cast(created_at as date) as created,
    date_diff('month', cast(created_at as date), coalesce((select through from span), current_date)) as months
from api_keys
order by status, created, name;
