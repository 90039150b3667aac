{{ magnific_analytics.differences(
    "select team, person, uses, credits from " ~ ref("magnific__people") ~ " where first_day is not null",
    {"person": "coalesce(lower(trim(user_email)), '" ~ magnific_analytics.nobody() ~ "')"}
) }}
