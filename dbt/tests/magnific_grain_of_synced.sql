{{ magnific_analytics.repeated(ref("magnific__synced"), ["team"]) }}
