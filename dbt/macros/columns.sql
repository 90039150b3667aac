{# SQL expressions that several models share. #}

{% macro total(column) %}cast(sum({{ column }}) as {{ dbt.type_bigint() }}){% endmacro %}

{% macro day(expression) %}cast({{ expression }} as date){% endmacro %}

{% macro days_after(date, days) %}{{ magnific_analytics.day(dbt.dateadd("day", days, date)) }}{% endmacro %}

{% macro month_of(date) %}{{ magnific_analytics.day(dbt.date_trunc("month", date)) }}{% endmacro %}

{% macro month_after(month) %}{{ magnific_analytics.day(dbt.dateadd("month", 1, month)) }}{% endmacro %}

{# A variable's value as a quoted SQL string. #}
{% macro literal(value) %}{{ dbt.string_literal(dbt.escape_single_quotes(value)) }}{% endmacro %}

{# The value of a seed's cell as text, or null if it is empty. It is cast because dbt guesses an empty column's type. #}
{% macro cell(column) %}nullif(trim(cast({{ column }} as {{ dbt.type_string() }})), ''){% endmacro %}

{# A name in the form used for comparisons. #}
{% macro name_key(column) %}lower(trim({{ column }})){% endmacro %}

{# The percentages of an allowance that trigger an alert. #}
{% macro levels() %}{{ return([200, 150, 120, 100, 95, 80, 50]) }}{% endmacro %}

{# Whether credits reach a level. Compares whole credits, because a rounded percentage could reach the level early. #}
{% macro reaches(credits, allowance, level) -%}
({{ credits }} > 0 and {{ credits }} * 100 >= {{ allowance }} * {{ level }})
{%- endmacro %}

{# In a group of consecutive days, the first day from which a condition holds without a break through the last day. If
   it does not hold on the last day, the result is the day after that. A correction of usage can change the result. #}
{% macro holds_from(condition, day) -%}
coalesce({{ magnific_analytics.days_after("max(case when " ~ condition ~ " then null else " ~ day ~ " end)", 1) }}, min({{ day }}))
{%- endmacro %}

{% macro percent(credits, allowance) %}round(100.0 * {{ credits }} / nullif({{ allowance }}, 0), 1){% endmacro %}

{# A non-negative whole number with thousands separators. #}
{% macro grouped(number) -%}
    {%- set digits = "lpad(cast(mod(cast(floor(" ~ number ~ " / {}.0) as " ~ dbt.type_bigint() ~ "), 1000) as " ~ dbt.type_string() ~ "), 3, '0')" -%}
    case when {{ number }} = 0 then '0' else ltrim(
        {%- for power in (1000000000, 1000000, 1000) %}
        case when {{ number }} >= {{ power }} then {{ digits.format(power) }} || ',' else '' end ||
        {%- endfor %}
        {{ digits.format(1) }}, '0') end
{%- endmacro %}

{# A string as a quoted JSON string; null stays null. The SQL writes special characters as `chr(number)`, because
   warehouses interpret backslashes in literals differently. #}
{% macro json_string(column) -%}
    {%- set text = namespace(sql=column) -%}
    {%- for code, letter in ((92, none), (34, none), (8, "b"), (9, "t"), (10, "n"), (12, "f"), (13, "r")) -%}
        {%- set written = "chr(92) || " ~ ("'" ~ letter ~ "'" if letter else "chr(" ~ code ~ ")") -%}
        {%- set text.sql = "replace(" ~ text.sql ~ ", chr(" ~ code ~ "), " ~ written ~ ")" -%}
    {%- endfor -%}
    chr(34) || {{ text.sql }} || chr(34)
{%- endmacro %}

{# A comma, a key and its value as part of a JSON object, or an empty string if the value is null. #}
{% macro tag(key, value) -%}
coalesce(',"magnific/{{ key }}":' || {{ magnific_analytics.json_string(value) }}, '')
{%- endmacro %}

{# The label for usage that Magnific does not attribute to a person. #}
{% macro nobody() %}(not attributed to a person){% endmacro %}

{% macro has_seat(status) -%}
coalesce({{ status }} in (
    {%- for seat in var("magnific_analytics_seat_statuses") %}{{ magnific_analytics.literal(seat) }}{{ ", " if not loop.last }}{% endfor -%}
), false)
{%- endmacro %}
