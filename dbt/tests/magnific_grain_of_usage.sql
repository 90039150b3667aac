{{ magnific_analytics.repeated(ref("magnific__usage"), ["team", "usage_id"]) }}
