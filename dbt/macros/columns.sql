{# Pieces of SQL that several models share. #}

{# The newest row of each key: older ones are there where a destination appends. #}
{% macro newest_rows(relation, key) %}
    select *
    from (
        select *, row_number() over (partition by {{ key }} order by _airbyte_extracted_at desc) as row_age
        from {{ relation }}
    ) as aged
    where row_age = 1
{% endmacro %}

{# A list is read in one answer. Rows that are minutes older than the newest come from an earlier sync: who is no
   longer listed, where a destination merges or appends instead of replacing. #}
{% macro listed_rows(relation, key) %}
    select *
    from (
        select
            *,
            row_number() over (partition by {{ key }} order by _airbyte_extracted_at desc) as row_age,
            max(_airbyte_extracted_at) over () as listed_at
        from {{ relation }}
    ) as aged
    where row_age = 1
      and {{ magnific_analytics.utc_timestamp("_airbyte_extracted_at") }}
          > {{ dbt.dateadd("minute", -5, magnific_analytics.utc_timestamp("listed_at")) }}
{% endmacro %}

{% macro total(column) %}cast(sum({{ column }}) as {{ dbt.type_bigint() }}){% endmacro %}

{% macro day(expression) %}cast({{ expression }} as date){% endmacro %}

{% macro month_of(date) %}{{ magnific_analytics.day(dbt.date_trunc("month", date)) }}{% endmacro %}

{% macro month_after(month) %}{{ magnific_analytics.day(dbt.dateadd("month", 1, month)) }}{% endmacro %}

{# The highest of the thresholds that `credits` have reached, in whole numbers so that none is reached by rounding. #}
{% macro threshold(credits, allowance) -%}
case
        when {{ credits }} is null or {{ allowance }} is null then null
        {%- for percent in (95, 80, 50) %}
        when {{ credits }} > 0 and {{ credits }} * 100 >= {{ allowance }} * {{ percent }} then {{ percent }}
        {%- endfor %}
        else 0
    end
{%- endmacro %}

{# A text as JSON writes it, quotes included; null stays null. The characters have numbers because a backslash in a
   literal is one thing in one warehouse and another elsewhere. #}
{% macro json_string(column) -%}
    {%- set text = namespace(sql=column) -%}
    {%- for code, letter in ((92, none), (34, none), (8, "b"), (9, "t"), (10, "n"), (12, "f"), (13, "r")) -%}
        {%- set written = "chr(92) || " ~ ("'" ~ letter ~ "'" if letter else "chr(" ~ code ~ ")") -%}
        {%- set text.sql = "replace(" ~ text.sql ~ ", chr(" ~ code ~ "), " ~ written ~ ")" -%}
    {%- endfor -%}
    chr(34) || {{ text.sql }} || chr(34)
{%- endmacro %}

{# A member of a JSON object with a comma before it; nothing where the value is null. #}
{% macro tag(key, value) -%}
coalesce(',"magnific/{{ key }}":' || {{ magnific_analytics.json_string(value) }}, '')
{%- endmacro %}

{# Whom usage belongs to that Magnific attributes to no person. #}
{% macro nobody() %}(not attributed to a person){% endmacro %}

{% macro has_seat(status) -%}
coalesce({{ status }} in ('{{ var("magnific_analytics_seat_statuses") | join("', '") }}'), false)
{%- endmacro %}
