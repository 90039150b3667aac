{{ magnific_analytics.differences(
    "select team, date, tool, uses, credits from " ~ ref("magnific__daily_spend"),
    {"date": "cast(date as date)", "tool": "tool"}
) }}
