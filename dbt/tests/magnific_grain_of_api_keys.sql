{{ magnific_analytics.repeated(ref("magnific__api_keys"), ["team", "month", "api_key_id"]) }}
