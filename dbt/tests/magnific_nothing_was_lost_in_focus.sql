{{ magnific_analytics.lost_values(ref("magnific__focus"), ["credit_usage", "projects"]) }}
