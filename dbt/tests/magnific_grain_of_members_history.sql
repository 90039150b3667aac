{{ magnific_analytics.repeated(ref("magnific__members_history"), ["user_email", "dbt_valid_from"]) }}
