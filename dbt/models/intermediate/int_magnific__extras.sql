-- The credits that rollover and packs add to each cycle, grouped by the last day on which they can be used. Unused
-- credits also count, unless they have already expired within the cycle.
-- depends_on: {{ ref("int_magnific__cycles") }}
-- depends_on: {{ ref("int_magnific__cycle_days") }}
{%- set rows = magnific_analytics.extras_by_cycle() if execute and flags.WHICH in ("build", "run", "retry") else [] %}
with extras as (
    {% for allowance_id, cycle_start, spent, unused in rows -%}
    select
        {{ allowance_id }} as allowance_id, cast('{{ cycle_start }}' as date) as cycle_start,
        {{ spent }} as spent, {{ unused }} as unused
    {{ "union all" if not loop.last }}
    {% else -%}
    select {{ magnific_analytics.nulls({
        "allowance_id": dbt.type_bigint(), "cycle_start": "date", "spent": dbt.type_bigint(), "unused": dbt.type_bigint()
    }) }}
    {%- endfor %}
)

select
    allowances.team,
    allowances.scope,
    allowances.name_key,
    extras.cycle_start,
    allowances.valid_to,
    {{ magnific_analytics.total("extras.spent + extras.unused") }} as extra_allowance,
    cast(
        sum(sum(extras.unused)) over (
            partition by allowances.team, allowances.scope, allowances.name_key, extras.cycle_start
            order by allowances.valid_to
            rows unbounded preceding
        ) as {{ dbt.type_bigint() }}
    ) as unused_until
from extras
inner join {{ ref("int_magnific__allowances") }} as allowances on allowances.allowance_id = extras.allowance_id
group by allowances.team, allowances.scope, allowances.name_key, extras.cycle_start, allowances.valid_to
