-- The usage and forecast of each cycle, compared with the cycle's allowance if there is one.
with figures as (
    select
        team,
        scope,
        name_key,
        cycle_start,
        coalesce({{ magnific_analytics.total("credits") }}, 0) as used,
        cast(round(sum(expected_credits)) as {{ dbt.type_bigint() }}) as forecast,
        -- If the forecast for any day is unknown, the sum is unknown too.
        count(*) = count(expected_credits) as is_forecast,
        sum(cost) as cost,
        sum(rows_without_price) as rows_without_price
    from {{ ref("int_magnific__cycle_days") }}
    group by team, scope, name_key, cycle_start
),

allowed as (
    select
        cycles.*,
        coalesce(extras.extra_allowance, 0) as extra_allowance,
        cycles.plan_credits + coalesce(extras.extra_allowance, 0) as allowance,
        coalesce(extras.unused, 0) as unused
    from {{ ref("int_magnific__cycles") }} as cycles
    left join (
        select
            team, scope, name_key, cycle_start,
            {{ magnific_analytics.total("extra_allowance") }} as extra_allowance,
            max(unused_until) as unused
        from {{ ref("int_magnific__extras") }}
        group by team, scope, name_key, cycle_start
    ) as extras
        on extras.team = cycles.team
        and extras.scope = cycles.scope
        and extras.name_key = cycles.name_key
        and extras.cycle_start = cycles.cycle_start
),

-- `valid_allowance` is the allowance minus the rollover and pack credits that expire unused before the row's day.
-- Until they expire, unused extra credits cover expected usage beyond plan_credits and the extra credits already spent.
days as (
    select
        days.*,
        allowed.allowance,
        allowed.allowance - coalesce(
            max(
                greatest(0, extras.unused_until - greatest(
                    0, coalesce(days.expected_until, days.used_until) - (allowed.allowance - allowed.unused)
                ))
            ) over (
                partition by days.team, days.scope, days.name_key, days.cycle_start
                order by days.date
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as valid_allowance
    from {{ ref("int_magnific__cycle_days") }} as days
    inner join allowed
        on allowed.team = days.team
        and allowed.scope = days.scope
        and allowed.name_key = days.name_key
        and allowed.cycle_start = days.cycle_start
    left join {{ ref("int_magnific__extras") }} as extras
        on extras.team = days.team
        and extras.scope = days.scope
        and extras.name_key = days.name_key
        and extras.cycle_start = days.cycle_start
        and extras.valid_to = days.date
),

-- Credits within the allowance are valued at the price on the day they were used.
covered as (
    select
        days.team,
        days.scope,
        days.name_key,
        days.cycle_start,
        nullif(
            {{ magnific_analytics.holds_from(
                "days.expected_until > days.valid_allowance or days.used_until > days.valid_allowance", "days.date"
            ) }},
            {{ magnific_analytics.days_after("max(days.date)", 1) }}
        ) as runs_out_on,
        min(days.valid_allowance) as allowance_at_end,
        sum(
            cast(
                least(days.used_until, days.allowance)
                - least(days.used_until - coalesce(days.credits, 0), days.allowance)
                as {{ dbt.type_bigint() }}
            ) * prices.contracted_price
        ) as covered_cost
    from days
    left join {{ ref("int_magnific__priced_days") }} as prices on prices.date = days.date
    group by days.team, days.scope, days.name_key, days.cycle_start
)

select
    allowed.*,
    figures.used,
    case when figures.is_forecast then greatest(figures.forecast, figures.used) end as forecast,
    covered.runs_out_on,
    covered.allowance_at_end,
    case
        when figures.rows_without_price = 0 and prices.contracted_price is not null
        then coalesce(figures.cost, 0)
    end as used_cost,
    case
        when figures.rows_without_price = 0 and prices.contracted_price is not null and allowed.allowance is not null
        then coalesce(covered.covered_cost, 0)
            + greatest(allowed.allowance - figures.used, 0) * prices.contracted_price
    end as allowance_cost,
    prices.contracted_price as price,
    prices.currency
from allowed
inner join figures
    on figures.team = allowed.team
    and figures.scope = allowed.scope
    and figures.name_key = allowed.name_key
    and figures.cycle_start = allowed.cycle_start
left join covered
    on covered.team = allowed.team
    and covered.scope = allowed.scope
    and covered.name_key = allowed.name_key
    and covered.cycle_start = allowed.cycle_start
left join {{ ref("int_magnific__priced_days") }} as prices on prices.date = allowed.used_through
