{{ magnific_analytics.lost_values(ref("magnific__daily_spend"), ["credit_usage", "projects"]) }}
