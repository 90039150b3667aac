-- The time spans during which each person had a seat. Members in the first snapshot also count as members before it,
-- because there is no older data.
{% if var("magnific_analytics_using_members") -%}
select
    team,
    user_email,
    case when dbt_valid_from > first_snapshot then cast(dbt_valid_from as date) end as taken_on,
    cast(dbt_valid_to as date) as given_up_on
from (
    select *, min(dbt_valid_from) over (partition by team) as first_snapshot
    from {{ ref("magnific__members_history") }}
) as versions
where {{ magnific_analytics.has_seat("status") }}
{%- else -%}
select {{ magnific_analytics.nulls({
    "team": dbt.type_string(), "user_email": dbt.type_string(), "taken_on": "date", "given_up_on": "date"
}) }}
{%- endif %}
