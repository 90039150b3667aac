{{ magnific_analytics.differences(
    "select " ~ adapter.quote("x_Team") ~ " as team, cast(" ~ adapter.quote("ChargePeriodStart") ~ " as date) as date, "
    ~ adapter.quote("SkuId") ~ " as tool, " ~ adapter.quote("ConsumedQuantity") ~ " as uses, "
    ~ adapter.quote("PricingQuantity") ~ " as credits from " ~ ref("magnific__focus"),
    {"date": "cast(date as date)", "tool": "tool"}
) }}
