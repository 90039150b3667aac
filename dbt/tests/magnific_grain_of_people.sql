{{ magnific_analytics.repeated(ref("magnific__people"), ["team", "person"]) }}
