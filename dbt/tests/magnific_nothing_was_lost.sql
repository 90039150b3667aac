-- Values that did not fit their column: the destination writes null and says so beside it. It waits for the marts, so
-- that they are built all the same:
{%- for mart in ["magnific__daily_spend", "magnific__people", "magnific__budget", "magnific__focus"] %}
-- depends_on: {{ ref(mart) }}
{%- endfor %}
{%- set tables = ["credit_usage", "members", "api_keys", "groups", "projects"] -%}
{%- if var("magnific_analytics_api_keys_enabled") %}{% do tables.append("credit_usage_by_api_key") %}{% endif -%}
{%- for table in tables %}
select '{{ table }}' as table_name, {{ magnific_analytics.json_text("_airbyte_meta") }} as said
from {{ source("magnific", table) }}
where {{ magnific_analytics.json_text("_airbyte_meta") }} like '%"field"%'
{{ "union all" if not loop.last }}
{%- endfor %}
