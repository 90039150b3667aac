-- One row for each team: which days are synced. All days before `as_of` were over when they were synced; `as_of` was
-- not. Every table counts, because a sync of days without usage leaves no trace in credit_usage. Deleted rows count
-- too, because their days were read.
with extractions as (
    {% for table in magnific_analytics.synced_tables() -%}
    select
        team,
        {{ magnific_analytics.utc_timestamp("_airbyte_extracted_at") }} as extracted_at,
        {{ "case when granularity = 'day' then cast(date as date) end" if table == "credit_usage" else "cast(null as date)" }} as date
    from ({{ magnific_analytics.table_rows(table) }}) as loaded
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    team,
    max(extracted_at) as synced_at,
    {%- if var("magnific_analytics_as_of") %}
    cast({{ magnific_analytics.literal(var("magnific_analytics_as_of")) }} as date) as as_of,
    {%- else %}
    cast(max(extracted_at) as date) as as_of,
    {%- endif %}
    min(date) as first_day
from extractions
group by team
having min(date) is not null
