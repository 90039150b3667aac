{{ magnific_analytics.repeated(ref("magnific__usage"), ["usage_id"]) }}
