{{ magnific_analytics.lost_values(ref("magnific__budget"), ["credit_usage", "members", "groups", "projects"]) }}
