-- One row: what the file covers, and how many rows it holds. Without any usage all dates are null.
select
    granularity,
    synced_from,
    through,
    complete,
    synced_at,
    (select count(*) from credit_usage) as row_count,
    (select count(*) from credit_usage where tool is null) as deleted,
    (select count(*) - count(distinct usage_id) from credit_usage) as repeated,
    (select count(*) from usage) as shown,
    (select max(cast(_airbyte_extracted_at as timestamp)) from credit_usage_by_api_key) as keys_read_at
from span;
