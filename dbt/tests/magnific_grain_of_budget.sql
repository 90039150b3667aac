{{ magnific_analytics.repeated(ref("magnific__budget"), ["month", "scope", "name"]) }}
