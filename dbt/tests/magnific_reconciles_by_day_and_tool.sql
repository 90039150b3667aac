-- Each day's total of each tool, as the dashboard has it and so the sum of the loaded rows, in every mart that knows
-- days and tools.
with loaded as (
    select cast(date as date) as date, tool, sum(user_uses) as uses, sum(user_credits) as credits
    from ({{ magnific_analytics.newest_rows(source("magnific", "credit_usage"), "usage_id") }}) as newest
    where tool is not null
      and granularity = 'day'
    group by 1, 2
),

modelled as (
    select 'magnific__usage' as mart, date, tool, sum(uses) as uses, sum(credits) as credits
    from {{ ref("magnific__usage") }}
    group by 2, 3
    union all
    select 'magnific__daily_spend', date, tool, sum(uses), sum(credits)
    from {{ ref("magnific__daily_spend") }}
    group by 2, 3
    union all
    select
        'magnific__focus',
        cast({{ adapter.quote("ChargePeriodStart") }} as date),
        {{ adapter.quote("SkuId") }},
        sum({{ adapter.quote("ConsumedQuantity") }}),
        sum({{ adapter.quote("PricingQuantity") }})
    from {{ ref("magnific__focus") }}
    group by 2, 3
),

marts as (select distinct mart from modelled)

select expected.mart, expected.date, expected.tool, expected.credits as loaded, modelled.credits as modelled
from (select marts.mart, loaded.* from marts cross join loaded) as expected
left join modelled
    on modelled.mart = expected.mart
    and modelled.date = expected.date
    and modelled.tool = expected.tool
where modelled.credits is null
   or modelled.credits <> expected.credits
   or modelled.uses <> expected.uses
