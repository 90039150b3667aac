{{ magnific_analytics.lost_values(ref("magnific__month"), ["credit_usage"]) }}
