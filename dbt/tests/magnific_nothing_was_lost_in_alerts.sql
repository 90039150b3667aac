{{ magnific_analytics.lost_values(ref("magnific__alerts"), ["credit_usage", "members", "groups", "projects"]) }}
