{{ magnific_analytics.repeated(ref("magnific__alerts"), ["team", "scope", "name", "cycle_start", "level"]) }}
