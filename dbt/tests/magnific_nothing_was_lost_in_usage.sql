{{ magnific_analytics.lost_values(ref("magnific__usage"), ["credit_usage", "members", "projects"]) }}
