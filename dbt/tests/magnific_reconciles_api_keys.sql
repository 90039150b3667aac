{{ magnific_analytics.differences(
    "select team, month, uses, credits from " ~ ref("magnific__api_keys"),
    {"month": magnific_analytics.month_of("date")}
) }}
