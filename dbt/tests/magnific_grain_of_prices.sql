{{ magnific_analytics.repeated(ref("stg_magnific__prices"), ["valid_from"]) }}
