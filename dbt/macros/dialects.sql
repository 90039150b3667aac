{# Expressions that differ between warehouses and that dbt does not provide. #}

{# Convert an Airbyte timestamp, which is in UTC with or without a time zone, to a UTC timestamp without a time zone.
   The session's time zone has no effect. #}
{% macro utc_timestamp(column) %}{{ return(adapter.dispatch('utc_timestamp', 'magnific_analytics')(column)) }}{% endmacro %}

{% macro default__utc_timestamp(column) %}cast({{ column }} as timestamp){% endmacro %}

{% macro bigquery__utc_timestamp(column) %}cast({{ column }} as datetime){% endmacro %}

{% macro duckdb__utc_timestamp(column) %}make_timestamp(epoch_us({{ column }})){% endmacro %}

{# `extract(epoch)` treats a time without a time zone as UTC; a cast would assume the session's time zone. #}
{% macro postgres__utc_timestamp(column) %}(timestamp '1970-01-01' + extract(epoch from {{ column }}) * interval '1 second'){% endmacro %}

{% macro redshift__utc_timestamp(column) %}cast({{ column }} at time zone 'UTC' as timestamp){% endmacro %}

{% macro snowflake__utc_timestamp(column) %}cast(convert_timezone('UTC', {{ column }}) as timestamp_ntz){% endmacro %}


{# A JSON column as text. The column's type depends on the warehouse. #}
{% macro json_text(column) %}{{ return(adapter.dispatch('json_text', 'magnific_analytics')(column)) }}{% endmacro %}

{% macro default__json_text(column) %}cast({{ column }} as {{ dbt.type_string() }}){% endmacro %}

{% macro bigquery__json_text(column) %}to_json_string({{ column }}){% endmacro %}

{% macro redshift__json_text(column) %}json_serialize({{ column }}){% endmacro %}

{% macro snowflake__json_text(column) %}to_json({{ column }}){% endmacro %}


{# The type of prices. It is precise enough for the price of one credit, and price times credits fits into 38 digits. #}
{% macro type_price() %}{{ return(adapter.dispatch('type_price', 'magnific_analytics')()) }}{% endmacro %}

{% macro default__type_price() %}numeric(18, 12){% endmacro %}

{% macro bigquery__type_price() %}numeric{% endmacro %}
