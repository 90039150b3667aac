{{ magnific_analytics.repeated(ref("magnific__month"), ["team", "month"]) }}
