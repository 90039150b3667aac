{{ magnific_analytics.lost_values(ref("magnific__people"), ["credit_usage", "members"]) }}
