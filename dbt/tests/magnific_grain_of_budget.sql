{{ magnific_analytics.repeated(ref("magnific__budget"), ["team", "scope", "name", "cycle_start"]) }}
