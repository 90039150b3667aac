{# Grains: the combinations of `columns` that a model holds more than once. Nulls count as one value. #}
{% macro repeated(model, columns) %}
select {{ columns | join(", ") }}, count(*) as how_often
from {{ model }}
group by {{ columns | join(", ") }}
having count(*) > 1
{% endmacro %}
