{# Print the messages of `magnific__alerts`, one per line, for levels reached on the day before the last sync. With
   `since`, include all days from then on. Levels reached on the day of the sync are left to the next run, so that
   daily runs never repeat a level. Example:
   dbt --quiet run-operation magnific_alerts --args '{since: 2026-11-01}' #}
{% macro magnific_alerts(since=none) %}
    {%- set alerts = load_relation(ref("magnific_analytics", "magnific__alerts")) -%}
    {%- if not alerts -%}
        {{ exceptions.raise_compiler_error(
            "There is no table magnific__alerts yet. Run  dbt build --select +package:magnific_analytics  first."
        ) }}
    {%- endif -%}
    {%- set first = "cast(" ~ magnific_analytics.literal(since) ~ " as date)" if since else magnific_analytics.days_after("last_sync.as_of", -1) -%}
    {%- set found = run_query(
        "select alerts.message from " ~ alerts ~ " as alerts inner join "
        ~ ref("magnific_analytics", "stg_magnific__last_sync") ~ " as last_sync on last_sync.team = alerts.team"
        ~ " where alerts.crossed_on >= " ~ first ~ " and alerts.crossed_on < last_sync.as_of"
        ~ " order by alerts.crossed_on, alerts.team, alerts.scope desc, alerts.name, alerts.level"
    ) -%}
    {%- for message in found.columns[0].values() -%}{{ print(message) }}{%- endfor -%}
{% endmacro %}
