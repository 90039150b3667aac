{# Read Airbyte's tables from one or several connections. A table that is not synced is treated as empty. #}

{# The columns that the models read from each table. #}
{% macro columns_of(table) %}
    {%- set usage = {
        "usage_id": dbt.type_string(), "date": "date", "granularity": dbt.type_string(), "tool": dbt.type_string(),
        "user_email": dbt.type_string(), "user_uses": dbt.type_bigint(), "user_credits": dbt.type_bigint(),
        "project_reference": dbt.type_string(), "project_name": dbt.type_string(), "group_name": dbt.type_string(),
    } -%}
    {{ return({
        "credit_usage": usage,
        "credit_usage_by_api_key": dict(usage, api_key_id=dbt.type_string()),
        "members": {"email": dbt.type_string(), "role": dbt.type_string(), "status": dbt.type_string()},
        "api_keys": {"api_key_id": dbt.type_string(), "display_name": dbt.type_string(), "status": dbt.type_string()},
        "groups": {"group_id": dbt.type_bigint(), "name": dbt.type_string(), "member_count": dbt.type_bigint()},
        "projects": {"project_reference": dbt.type_string(), "name": dbt.type_string()},
    }[table]) }}
{% endmacro %}

{% macro synced_tables() %}
    {%- set synced = ["credit_usage"] -%}
    {%- for table in ["credit_usage_by_api_key", "members", "api_keys", "groups", "projects"] -%}
        {%- if var("magnific_analytics_using_" ~ table) -%}{%- do synced.append(table) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(synced) }}
{% endmacro %}

{# Return a schema's team name. Raise an error if two schemas share a name, because their rows would be mixed up. #}
{% macro team_of(schema) %}
    {%- set names = var("magnific_analytics_team_names") -%}
    {%- set name = names.get(schema, schema) -%}
    {%- for other in var("magnific_analytics_schemas") if other != schema -%}
        {%- if names.get(other, other) | lower | trim == name | lower | trim -%}
            {{ exceptions.raise_compiler_error(
                "magnific_analytics_team_names: the schemas " ~ schema ~ " and " ~ other ~ " have the same team name, "
                ~ name ~ ". Give each schema its own name."
            ) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(name) }}
{% endmacro %}

{# All rows of a table, with their team. If the table is not synced, the result is empty. #}
{% macro table_rows(table) %}
    {%- set columns = magnific_analytics.columns_of(table) -%}
    {%- if table not in magnific_analytics.synced_tables() %}
    select {{ magnific_analytics.nulls(dict(columns, team=dbt.type_string(), _airbyte_extracted_at=dbt.type_timestamp())) }}
    {%- elif var("magnific_analytics_schemas") %}
    {%- for schema in var("magnific_analytics_schemas") %}
    {%- set relation = api.Relation.create(
        database=var("magnific_analytics_database") or target.database,
        schema=schema,
        identifier=var("magnific_analytics_" ~ table ~ "_table")
    ) %}
    {{ magnific_analytics._rows_of(relation, schema, columns) }}
    {{- " union all" if not loop.last }}
    {%- endfor %}
    {%- else %}
    {{ magnific_analytics._rows_of(source("magnific", table), var("magnific_analytics_schema"), columns) }}
    {%- endif %}
{% endmacro %}

{% macro _rows_of(relation, schema, columns) -%}
    select
        cast({{ magnific_analytics.literal(magnific_analytics.team_of(schema)) }} as {{ dbt.type_string() }}) as team,
        {{ columns | join(", ") }},
        _airbyte_extracted_at,
        _airbyte_meta
    from {{ relation }}
{%- endmacro %}

{# The rest of a `select` that returns no rows. `columns` maps names to types. #}
{% macro nulls(columns) -%}
    {%- for name, type in columns.items() %}cast(null as {{ type }}) as {{ name }}{{ ", " if not loop.last }}{% endfor %}
    from (select 1 as nothing) as nothing
    where 1 = 0
{%- endmacro %}

{# The newest row for each key. Destinations that append also keep older rows. #}
{% macro newest_rows(table, key) %}
    select *
    from (
        select *, row_number() over (partition by team, {{ key }} order by _airbyte_extracted_at desc) as row_age
        from ({{ magnific_analytics.table_rows(table) }}) as loaded
    ) as aged
    where row_age = 1
{% endmacro %}

{# The rows of a list's last sync. Destinations that merge or append also keep rows that are no longer listed. The
   connector reads a list in one request, so rows minutes older than the newest row are from an earlier sync. #}
{% macro listed_rows(table, key) %}
    select *
    from (
        select
            *,
            row_number() over (partition by team, {{ key }} order by _airbyte_extracted_at desc) as row_age,
            max(_airbyte_extracted_at) over (partition by team) as listed_at
        from ({{ magnific_analytics.table_rows(table) }}) as loaded
    ) as aged
    where row_age = 1
      and {{ magnific_analytics.utc_timestamp("_airbyte_extracted_at") }}
          > {{ dbt.dateadd("minute", -5, magnific_analytics.utc_timestamp("listed_at")) }}
{% endmacro %}
