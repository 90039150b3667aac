{{ magnific_analytics.lost_values(ref("magnific__api_keys"), ["credit_usage", "credit_usage_by_api_key", "api_keys"]) }}
