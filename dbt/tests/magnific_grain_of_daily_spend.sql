{{ magnific_analytics.repeated(ref("magnific__daily_spend"), ["date", "tool", "project_reference", "group_name"]) }}
