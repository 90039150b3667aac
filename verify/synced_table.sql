-- Prepare the synced table for the comparison. The file is read-only, so everything here is temporary.

-- Normalize a name for comparison: remove invisible characters around it, and use single plain spaces inside it.
create temp macro tidy(name) as nullif(regexp_replace(regexp_replace(
    nfc_normalize(name), '^[\p{Cc}\p{Cf}\p{Z}]+|[\p{Cc}\p{Cf}\p{Z}]+$', '', 'g'), '[\p{Cc}\p{Z}]+', ' ', 'g'), '');

create temp macro first_of(day, granularity) as cast(date_trunc(granularity, day) as date);

create temp macro last_of(day, granularity) as
    cast(date_trunc(granularity, day) + cast('1 ' || granularity as interval) as date) - 1;

-- Usage without deleted rows, which have no tool. Until a sync with a new `granularity` is complete, the table has rows
-- of both the old and the new granularity. Only the newest granularity counts.
create temp view usage as
select *
from credit_usage
where tool is not null and granularity = (
    select granularity from credit_usage where tool is not null
    order by _airbyte_extracted_at desc nulls last, date desc limit 1
);

-- One row about the sync. `through` is the last day that was read, taken from the connector's state if the file has it.
-- `complete` is the last day that was over when it was read. Without any rows or state, all dates are null.
create temp table synced as
with state as (
    select json_extract(state_json, '$.stream.stream_state') as saved from _airbyte_state where stream_name = 'credit_usage'
),
seen as (
    select coalesce(max(granularity), 'day') as granularity, min(date) as first_day, max(date) as last_period,
        (select max(cast(_airbyte_extracted_at as timestamp)) from credit_usage) as synced_at
    from usage
),
reached as (
    select *, coalesce(
        (select max(try_cast(saved ->> 'date' as date)) from state),
        least(last_of(last_period, granularity), greatest(last_period, cast(synced_at as date)))) as through
    from seen
)
select granularity, through, strftime(synced_at, '%Y-%m-%d %H:%M') as synced_at,
    least(first_day, (select min(try_cast(saved ->> 'start_date' as date)) from state)) as first_day,
    coalesce(least(through, cast(synced_at as date) - 1), through - 1) as complete,
    nullif((select max(saved ->> 'filters') from state), '{}') as filters,
    (select count(*) - count(distinct usage_id) from credit_usage) as repeated_ids,
    (select count(*) from credit_usage where tool is not null) - (select count(*) from usage) as other_granularity
from reached;

-- The current name of each project. A deleted project keeps its last known name.
create temp table project_names as
select project_reference, tidy(coalesce(max(projects.name), arg_max(project_name, date), project_reference)) as name
from usage left join projects using (project_reference)
where project_reference is not null
group by project_reference;
