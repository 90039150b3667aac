select
    last_sync.team,
    last_sync.first_day as synced_from,
    last_sync.as_of as through,
    {{ magnific_analytics.days_after("last_sync.as_of", -1) }} as complete_through,
    last_sync.synced_at,
    by_key.keys_read_at,
    prices.currency,
    prices.currency is not null as has_prices,
    exists (
        select 1 from {{ ref("int_magnific__allowances") }} as allowances where allowances.team = last_sync.team
    ) as has_allowances
from {{ ref("stg_magnific__last_sync") }} as last_sync
cross join (select max(currency) as currency from {{ ref("stg_magnific__prices") }}) as prices
left join (
    select team, max(extracted_at) as keys_read_at
    from {{ ref("stg_magnific__credit_usage_by_api_key") }}
    group by team
) as by_key on by_key.team = last_sync.team
