-- One row for each team, with its last sync and its first day with usage. Days before `as_of` were over when they were
-- synced; `as_of` itself was not. Deleted rows count too, because a sync read their days.
select
    team,
    max({{ magnific_analytics.utc_timestamp("_airbyte_extracted_at") }}) as synced_at,
    {%- if var("magnific_analytics_as_of") %}
    cast({{ magnific_analytics.literal(var("magnific_analytics_as_of")) }} as date) as as_of,
    {%- else %}
    cast(max({{ magnific_analytics.utc_timestamp("_airbyte_extracted_at") }}) as date) as as_of,
    {%- endif %}
    cast(min(date) as date) as first_day
from ({{ magnific_analytics.table_rows("credit_usage") }}) as loaded
where granularity = 'day'
group by team
