{{ magnific_analytics.differences(
    "select team, date, api_key_id, tool, person, uses, credits from " ~ ref("magnific__usage_by_api_key"),
    {
        "date": "cast(date as date)",
        "api_key_id": "api_key_id",
        "tool": "tool",
        "person": "coalesce(lower(trim(user_email)), '" ~ magnific_analytics.nobody() ~ "')",
    },
    table="credit_usage_by_api_key"
) }}
