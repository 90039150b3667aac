{{ magnific_analytics.repeated(ref("magnific__daily_spend"), ["team", "date", "tool", "project_reference", "group_label"]) }}
