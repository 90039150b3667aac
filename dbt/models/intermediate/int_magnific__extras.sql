-- What rollover and packs add to each cycle: what is left of them or, if they ended within it, what they provided.
-- depends_on: {{ ref("int_magnific__cycles") }}
-- depends_on: {{ ref("int_magnific__cycle_days") }}
{%- set rows = magnific_analytics.extras_by_cycle() if execute and flags.WHICH in ("build", "run", "retry") else [] %}
with extras as (
    {% for allowance_id, cycle_start, credits in rows -%}
    select {{ allowance_id }} as allowance_id, cast('{{ cycle_start }}' as date) as cycle_start, {{ credits }} as credits
    {{ "union all" if not loop.last }}
    {% else -%}
    select {{ magnific_analytics.nulls({
        "allowance_id": dbt.type_bigint(), "cycle_start": "date", "credits": dbt.type_bigint()
    }) }}
    {%- endfor %}
)

select
    allowances.team,
    allowances.scope,
    allowances.name_key,
    extras.cycle_start,
    {{ magnific_analytics.total("extras.credits") }} as extra_allowance
from extras
inner join {{ ref("int_magnific__allowances") }} as allowances on allowances.allowance_id = extras.allowance_id
group by allowances.team, allowances.scope, allowances.name_key, extras.cycle_start
