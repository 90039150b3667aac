{% snapshot magnific__members_history %}
{{ config(
    enabled=var("magnific_analytics_using_members"),
    unique_key="member_key",
    strategy="check",
    check_cols=["role", "status"],
    invalidate_hard_deletes=true
) }}
{%- set members = ref("stg_magnific__members") -%}
{%- if execute and flags.WHICH in ("build", "snapshot", "retry") -%}
    {{- magnific_analytics.require_members(members) -}}
{%- endif %}

select team || ' ' || user_email as member_key, team, user_email, role, status
from {{ members }}

{% endsnapshot %}
