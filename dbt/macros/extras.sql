{# Return the credits that rollover and packs provide in each cycle, as rows of allowance_id, cycle_start, spent
   and unused. `unused` is what is left at the end of the cycle or at the last sync; it is 0 if the pack has ended.
   Packs are spent after the plan, in the order in which they end. Each pack covers usage that the packs before it did
   not cover. Not every warehouse can express this in SQL, so a loop runs over the few days on which the plan was used
   up. #}
{% macro extras_by_cycle() %}
    {%- set ns = namespace(extra=none, left=0) -%}
    {%- set uncovered, spent, unused = {}, {}, {} -%}
    {%- for row in run_query(magnific_analytics._offered_extras()) -%}
        {%- if row[0] != ns.extra -%}
            {%- set ns.extra, ns.left = row[0], row[1] | int -%}
        {%- endif -%}
        {%- set day, cycle = row[2], (row[0] | int, row[3] | string) -%}
        {%- set needed = uncovered.get(day, row[4] | int) -%}
        {#- `given` is negative if a correction gives credits back. -#}
        {%- set given = [[needed, ns.left] | min, ns.left - row[1] | int] | max -%}
        {%- do uncovered.update({day: needed - given}) -%}
        {%- set ns.left = ns.left - given -%}
        {%- do spent.update({cycle: spent.get(cycle, 0) + given}) -%}
        {%- do unused.update({cycle: ns.left if row[5] | int else 0}) -%}
    {%- endfor -%}
    {%- set rows = [] -%}
    {%- for cycle in spent -%}{%- do rows.append((cycle[0], cycle[1][:10], spent[cycle], unused[cycle])) -%}{%- endfor -%}
    {{ return(rows) }}
{% endmacro %}

{# Combine each rollover or pack with each day on which it could be used, and with the last day of each cycle.
   `uncovered` is the part of the day's usage that the plan does not cover. #}
{% macro _offered_extras() %}
with days as (
    select
        days.*,
        cycles.used_through,
        greatest(days.used_until - cycles.plan_credits, 0)
        - greatest(days.used_until - days.credits - cycles.plan_credits, 0) as uncovered,
        dense_rank() over (order by days.team, days.scope, days.name_key, days.date) as day_number
    from {{ ref("int_magnific__cycle_days") }} as days
    inner join {{ ref("int_magnific__cycles") }} as cycles
        on cycles.team = days.team
        and cycles.scope = days.scope
        and cycles.name_key = days.name_key
        and cycles.cycle_start = days.cycle_start
    where days.date <= cycles.used_through
)

select
    extras.allowance_id,
    extras.credits,
    days.day_number,
    days.cycle_start,
    days.uncovered,
    case when days.date = days.used_through then 1 else 0 end as is_last
from {{ ref("int_magnific__allowances") }} as extras
inner join days
    on days.team = extras.team
    and days.scope = extras.scope
    and days.name_key = extras.name_key
    and (days.uncovered <> 0 or days.date = days.used_through)
-- Rollover and packs count from the start of the cycle in which they become valid.
where extras.valid_from <= days.used_through
  and extras.valid_to >= days.date
order by extras.valid_to, extras.allowance_id, days.day_number
{% endmacro %}
