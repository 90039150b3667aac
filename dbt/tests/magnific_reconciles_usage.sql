{{ magnific_analytics.differences(
    "select team, date, tool, uses, credits from " ~ ref("magnific__usage"),
    {"date": "cast(date as date)", "tool": "tool"}
) }}
