with days as (
    select distinct team, date, expected_credits
    from {{ ref("int_magnific__cycle_days") }}
    where scope in ('month', 'team')
      and is_to_come
)

select
    days.team,
    'team' as scope,
    days.date,
    days.expected_credits,
    days.expected_credits * prices.contracted_price as expected_cost,
    prices.currency
from days
inner join {{ ref("stg_magnific__last_sync") }} as last_sync on last_sync.team = days.team
left join {{ ref("int_magnific__priced_days") }} as prices on prices.date = last_sync.as_of
