-- The oldest first; age in months on the last day that was synced.
select
    api_key_id as id,
    coalesce(display_name, api_key_id) as name,
    status,
    cast(created_at as date) as created,
    date_diff('month', cast(created_at as date), coalesce((select through from span), current_date)) as months
from api_keys
order by created nulls last, name;
