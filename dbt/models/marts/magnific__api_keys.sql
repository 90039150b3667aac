-- Each month has a row for usage that no key accounts for: all usage minus the usage through keys. The month's sums
-- therefore equal those of credit_usage, even if credit_usage_by_api_key has not been read completely.
with through_keys as (
    select
        spent.team,
        {{ magnific_analytics.month_of("spent.date") }} as month,
        spent.api_key_id,
        spent.uses,
        spent.credits,
        spent.credits * prices.list_price as list_cost,
        spent.credits * prices.contracted_price as cost,
        prices.currency
    from {{ ref("stg_magnific__credit_usage_by_api_key") }} as spent
    left join {{ ref("int_magnific__priced_days") }} as prices on prices.date = spent.date
),

signed as (
    select team, month, api_key_id, uses, credits, list_cost, cost, currency from through_keys
    union all
    select team, month, null, -uses, -credits, -list_cost, -cost, currency from through_keys
    union all
    select team, {{ magnific_analytics.month_of("date") }}, null, uses, credits, list_cost, cost, currency
    from {{ ref("int_magnific__usage") }}
),

spent as (
    select
        team,
        month,
        api_key_id,
        {{ magnific_analytics.total("uses") }} as uses,
        {{ magnific_analytics.total("credits") }} as credits,
        sum(list_cost) as list_cost,
        sum(cost) as cost,
        max(currency) as currency,
        {{ magnific_analytics.total("case when cost is null then credits else 0 end") }} as credits_without_price
    from signed
    group by team, month, api_key_id
)

select
    spent.team,
    spent.month,
    spent.api_key_id,
    coalesce(api_keys.display_name, spent.api_key_id, '(without an API key)') as key_name,
    api_keys.status as key_status,
    spent.uses,
    spent.credits,
    spent.list_cost,
    spent.cost,
    spent.currency,
    spent.credits_without_price
from spent
left join {{ ref("stg_magnific__api_keys") }} as api_keys
    on api_keys.team = spent.team
    and api_keys.api_key_id = spent.api_key_id
