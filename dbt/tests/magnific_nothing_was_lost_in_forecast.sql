{{ magnific_analytics.lost_values(ref("magnific__forecast"), ["credit_usage"]) }}
