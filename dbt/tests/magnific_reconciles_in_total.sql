-- The whole table's credits and uses in every mart, so that nothing is there twice and nobody is left out.
with loaded as (
    select coalesce(sum(user_uses), 0) as uses, coalesce(sum(user_credits), 0) as credits
    from ({{ magnific_analytics.newest_rows(source("magnific", "credit_usage"), "usage_id") }}) as newest
    where tool is not null
      and granularity = 'day'
),

modelled as (
    {%- for mart in ["magnific__usage", "magnific__daily_spend", "magnific__people"]
        + (["magnific__api_keys"] if var("magnific_analytics_api_keys_enabled") else []) %}
    select '{{ mart }}' as mart, sum(uses) as uses, sum(credits) as credits from {{ ref(mart) }}
    union all
    {%- endfor %}
    select 'magnific__budget, ' || scope, null, sum(credits) from {{ ref("magnific__budget") }} group by scope
    union all
    select
        'magnific__focus',
        sum({{ adapter.quote("ConsumedQuantity") }}),
        sum({{ adapter.quote("PricingQuantity") }})
    from {{ ref("magnific__focus") }}
)

select modelled.mart, loaded.credits as loaded, modelled.credits as modelled
from modelled
cross join loaded
where coalesce(modelled.credits, 0) <> loaded.credits
   or coalesce(modelled.uses, loaded.uses) <> loaded.uses
