-- What the other queries read. The file is open for reading alone, so all of it is temporary.

-- Without deleted rows, which have no tool. An address is one person, however it is written. While a sync after
-- another `granularity` is not complete, the table holds periods of two sizes: the newest size counts.
create temp view usage as
select * replace (lower(user_email) as user_email)
from credit_usage
where tool is not null
  and granularity = (
      select granularity
      from credit_usage
      where tool is not null
      order by _airbyte_extracted_at desc nulls last, date desc
      limit 1
  );

-- synced_from: the first day asked for, or with usage where that is earlier. through: the last day synced. Both from the
-- connector's state where it is in the file. complete: the last day that was over when it was synced. All null where
-- there is no usage.
create temp table span as
with state as (
    select
        try_cast(json_extract_string(state_json, '$.stream.stream_state.date') as date) as day,
        try_cast(json_extract_string(state_json, '$.stream.stream_state.start_date') as date) as start
    from _airbyte_state
    where stream_name = 'credit_usage'
),
seen as (
    select
        min(date) as first_day,
        max(date) as last_period,
        max(granularity) as granularity,
        (select max(cast(_airbyte_extracted_at as timestamp)) from credit_usage) as synced_at
    from usage
),
reached as (
    select
        *,
        coalesce(
            (select max(day) from state),
            least(
                case granularity
                    when 'day' then last_period
                    when 'week' then last_period + 6
                    when 'month' then last_day(last_period)
                    else make_date(year(last_period), 12, 31)
                end,
                greatest(last_period, cast(synced_at as date))
            )
        ) as through
    from seen
)
select
    granularity,
    least(first_day, (select min(start) from state)) as synced_from,
    through,
    coalesce(least(through, cast(synced_at as date) - 1), through - 1) as complete,
    synced_at
from reached;
