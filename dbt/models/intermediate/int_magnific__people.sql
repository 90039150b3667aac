-- Everyone who is or was a member, with their last known role. People who are no longer listed have the status 'left'.
{% if var("magnific_analytics_using_members") -%}
select
    team,
    user_email,
    role,
    case when dbt_valid_to is null then status else 'left' end as status
from (
    select *, row_number() over (partition by team, user_email order by dbt_valid_from desc) as version_age
    from {{ ref("magnific__members_history") }}
) as versions
where version_age = 1
{%- else -%}
select {{ magnific_analytics.nulls(dict.fromkeys(["team", "user_email", "role", "status"], dbt.type_string())) }}
{%- endif %}
