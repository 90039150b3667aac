{{ magnific_analytics.repeated(ref("magnific__forecast"), ["team", "scope", "date"]) }}
