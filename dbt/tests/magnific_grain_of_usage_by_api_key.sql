{{ magnific_analytics.repeated(ref("magnific__usage_by_api_key"), ["team", "date", "api_key_id", "tool", "person"]) }}
