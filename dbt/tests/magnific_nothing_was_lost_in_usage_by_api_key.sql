{{ magnific_analytics.lost_values(ref("magnific__usage_by_api_key"), ["credit_usage_by_api_key", "api_keys"]) }}
