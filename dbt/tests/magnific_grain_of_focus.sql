{{ magnific_analytics.repeated(ref("magnific__focus"), [adapter.quote("x_UsageId")]) }}
