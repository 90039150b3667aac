-- Month to date and forecast against the allowance, for the team, each group and each person with usage in the month.
with days as (
    select
        {{ magnific_analytics.month_of("spent.date") }} as month,
        'Team' as team,
        case
            when spent.user_email is null then '{{ magnific_analytics.nobody() }}'
            else coalesce(spent.group_name, '(no group)')
        end as group_name,
        coalesce(spent.user_email, '{{ magnific_analytics.nobody() }}') as person,
        spent.credits,
        case when spent.date < last_sync.as_of then spent.credits else 0 end as finished_credits,
        spent.cost,
        spent.currency,
        case when spent.cost is null then spent.credits else 0 end as credits_without_price
    from {{ ref("magnific__usage") }} as spent
    cross join {{ ref("stg_magnific__last_sync") }} as last_sync
),

-- The running month has its line for the team from its first moment, before anything was used.
figures as (
    {% for scope, name in (("team", "team"), ("group", "group_name"), ("person", "person")) -%}
    select '{{ scope }}' as scope, {{ name }} as name, month, credits, finished_credits, cost, currency, credits_without_price
    from days
    union all
    {% endfor -%}
    select 'team', 'Team', {{ magnific_analytics.month_of("as_of") }}, 0, 0, null, null, 0
    from {{ ref("stg_magnific__last_sync") }}
    where as_of is not null
),

spent as (
    select
        scope,
        name,
        month,
        {{ magnific_analytics.total("credits") }} as credits,
        {{ magnific_analytics.total("finished_credits") }} as finished_credits,
        sum(cost) as cost,
        max(currency) as currency,
        {{ magnific_analytics.total("credits_without_price") }} as credits_without_price
    from figures
    group by scope, name, month
),

-- Days of the month that were over when it was last synced, the first one of the data or later.
months as (
    select
        month,
        month_after,
        as_of,
        as_of >= month and as_of < month_after as is_current_month,
        {{ dbt.datediff("month", "month_after", "day") }} as days_in_month,
        greatest(0, {{ dbt.datediff("greatest(month, first_day)", "least(month_after, as_of)", "day") }}) as days_over
    from (
        select
            months.month,
            {{ magnific_analytics.month_after("months.month") }} as month_after,
            last_sync.first_day,
            last_sync.as_of
        from (select distinct month from spent) as months
        cross join {{ ref("stg_magnific__last_sync") }} as last_sync
    ) as begun
),

-- The newest allowance that holds by the end of the month or, while it goes on, by today.
allowances as (
    select month, scope, name, credits_per_month
    from (
        select
            months.month,
            allowances.scope,
            allowances.name,
            allowances.credits_per_month,
            row_number() over (
                partition by months.month, allowances.scope, allowances.name order by allowances.valid_from desc
            ) as allowance_age
        from months
        cross join {{ ref("stg_magnific__allowances") }} as allowances
        where allowances.valid_from < months.month_after
          and allowances.valid_from <= months.as_of
    ) as held
    where allowance_age = 1
),

measured as (
    select
        spent.*,
        months.is_current_month,
        months.days_in_month,
        months.days_over,
        case spent.scope
            when 'team' then seats.seats
            when 'group' then member_groups.member_count
            when 'person' then case when spent.name <> '{{ magnific_analytics.nobody() }}' then 1 end
        end as seats,
        own.credits_per_month as fixed_allowance,
        each_seat.credits_per_month as seat_allowance,
        -- Not before a day of the month is over, and never less than what is used already.
        case
            when months.days_over > 0 then greatest(
                spent.credits,
                cast(round(1.0 * spent.finished_credits * months.days_in_month / nullif(months.days_over, 0)) as {{ dbt.type_bigint() }})
            )
        end as forecast_credits
    from spent
    inner join months on months.month = spent.month
    left join {{ ref("int_magnific__seats") }} as seats on seats.month = spent.month
    left join (
        select group_name, sum(member_count) as member_count
        from {{ ref("stg_magnific__groups") }}
        group by group_name
    ) as member_groups on member_groups.group_name = spent.name and spent.scope = 'group'
    left join allowances as own
        on own.month = spent.month
        and own.scope = spent.scope
        and (own.name = lower(trim(spent.name)) or own.scope = 'team')
    left join allowances as each_seat on each_seat.month = spent.month and each_seat.scope = 'seat'
)

select
    month,
    scope,
    name,
    is_current_month,
    days_over,
    days_in_month,
    seats,
    credits,
    allowance,
    round(100.0 * credits / nullif(allowance, 0), 1) as percent_used,
    {{ magnific_analytics.threshold("credits", "allowance") }} as threshold,
    forecast_credits,
    round(100.0 * forecast_credits / nullif(allowance, 0), 1) as forecast_percent,
    {{ magnific_analytics.threshold("forecast_credits", "allowance") }} as forecast_threshold,
    cost,
    case when credits_without_price = 0 then cost * forecast_credits / nullif(credits, 0) end as forecast_cost,
    currency,
    credits_without_price
from (
    select
        measured.*,
        cast(coalesce(fixed_allowance, seat_allowance * seats) as {{ dbt.type_bigint() }}) as allowance
    from measured
) as allowed
