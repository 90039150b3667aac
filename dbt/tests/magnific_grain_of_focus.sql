{{ magnific_analytics.repeated(ref("magnific__focus"), [adapter.quote("x_Team"), adapter.quote("x_UsageId")]) }}
