{% snapshot magnific__members_history %}
{{ config(unique_key="user_email", strategy="check", check_cols=["role", "status"], invalidate_hard_deletes=true) }}

select user_email, role, status
from {{ ref("stg_magnific__members") }}

{% endsnapshot %}
