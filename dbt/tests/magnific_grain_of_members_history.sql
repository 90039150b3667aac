{{ config(enabled=var("magnific_analytics_using_members")) }}

{{ magnific_analytics.repeated(ref("magnific__members_history"), ["member_key", "dbt_valid_from"]) }}
