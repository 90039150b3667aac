-- Seed rows that the models cannot use, each with the reason.
{%- set budget = "team, scope, coalesce(case when scope <> 'team' then " ~ magnific_analytics.name_key("name") ~ " end, '')" %}
with allowances as (
    select
        stated.*,
        sum(case when valid_to is null then 1 else 0 end) over (partition by {{ budget }}) as plans,
        min(period) over (partition by {{ budget }}) as first_period,
        max(period) over (partition by {{ budget }}) as last_period
    from {{ ref("stg_magnific__allowances") }} as stated
),

faults as (
    select
        scope,
        name,
        valid_from,
        case
            when scope is null or scope not in ('team', 'group', 'project', 'person')
                then 'the scope is not team, group, project or person'
            when scope <> 'team' and name is null then 'the name is missing'
            when valid_from is null then 'valid_from is missing'
            when credits is null and credits_per_seat is null then 'neither credits nor credits_per_seat is given'
            when credits is not null and credits_per_seat is not null then 'credits and credits_per_seat are both given'
            when credits_per_seat is not null and (scope not in ('team', 'group') or valid_to is not null)
                then 'credits_per_seat is only for the plan of a team or a group'
            when valid_to < valid_from then 'valid_to is before valid_from'
            when valid_to is null and (period is null or period not in ('month', 'year')) then 'the period is not month or year'
            when first_period <> last_period then 'rows with the same scope and name have different periods'
            when valid_to is not null and plans = 0
                then 'rollover and packs need a plan with the same scope and name, which can have 0 credits'
        end as fault
    from allowances
)

select 'magnific_allowances' as seed, scope, name, valid_from, fault
from faults
where fault is not null
union all
select 'magnific_prices', null, null, valid_from, 'valid_from, list_price_per_credit or currency is missing'
from {{ ref("stg_magnific__prices") }}
where valid_from is null or list_price is null or currency is null
