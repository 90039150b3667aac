-- One row: whether credit usage was ever synced, what the sync covers, and what makes a table hold less or more than a
-- dashboard shows: filters, rows that were kept twice, and a change of granularity that is not through.
with state as (
    select json_extract(state_json, '$.stream.stream_state.filters') as filters
    from _airbyte_state
    where stream_name = 'credit_usage'
)
select
    exists (
        select 1
        from duckdb_tables()
        where table_name = 'credit_usage' and schema_name = current_schema() and not temporary
    ) as synced,
    coalesce(granularity, 'day') as granularity,
    synced_from,
    through,
    complete,
    synced_at,
    (select cast(max(filters) as varchar) from state) as filters,
    (select count(*) - count(distinct usage_id) from credit_usage) as repeated,
    (select count(*) from credit_usage where tool is not null and granularity <> span.granularity) as other_granularity
from span;
