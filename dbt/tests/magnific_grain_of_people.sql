{{ magnific_analytics.repeated(ref("magnific__people"), ["person"]) }}
