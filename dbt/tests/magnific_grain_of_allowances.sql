{{ magnific_analytics.repeated(ref("stg_magnific__allowances"), ["valid_from", "scope", "name"]) }}
