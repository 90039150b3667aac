{%- set text = dbt.type_string() %}
with levels as (
    {% for level in magnific_analytics.levels() -%}
    select {{ level }} as level{{ " union all" if not loop.last }}
    {% endfor %}
),

crossed as (
    select
        cycles.team,
        cycles.scope,
        cycles.name,
        cycles.cycle_start,
        cycles.cycle_end,
        cycles.is_current,
        levels.level,
        {{ magnific_analytics.percent("cycles.used", "cycles.allowance") }} as percent,
        cycles.used,
        cycles.allowance,
        cycles.forecast,
        {{ magnific_analytics.percent("cycles.forecast", "cycles.allowance_at_end") }} as forecast_percent,
        {{ magnific_analytics.holds_from(
            magnific_analytics.reaches("days.used_until", "cycles.allowance", "levels.level"), "days.date"
        ) }} as crossed_on
    from {{ ref("int_magnific__measured_cycles") }} as cycles
    inner join levels on {{ magnific_analytics.reaches("cycles.used", "cycles.allowance", "levels.level") }}
    inner join {{ ref("int_magnific__cycle_days") }} as days
        on days.team = cycles.team
        and days.scope = cycles.scope
        and days.name_key = cycles.name_key
        and days.cycle_start = cycles.cycle_start
        and days.date <= cycles.used_through
    where cycles.scope <> 'month'
    group by
        cycles.team, cycles.scope, cycles.name, cycles.cycle_start, cycles.cycle_end, cycles.is_current, levels.level,
        cycles.used, cycles.allowance, cycles.allowance_at_end, cycles.forecast
)

select
    team,
    scope,
    name,
    cycle_start,
    cycle_end,
    level,
    percent,
    used,
    allowance,
    forecast,
    crossed_on,
    {%- if var("magnific_analytics_schemas") | length > 1 %}
    'Team ' || team || case when scope <> 'team' then ', ' || scope || ' ' || name else '' end
    {%- else %}
    case scope when 'team' then 'The team' when 'person' then name else 'The ' || scope || ' ' || name end
    {%- endif %}
    || ' has used ' || {{ magnific_analytics.grouped("used") }} || ' of ' || {{ magnific_analytics.grouped("allowance") }}
    || ' credits' || coalesce(' (' || cast(percent as {{ text }}) || '%)', '') || ' in the cycle '
    || cast(cycle_start as {{ text }}) || ' to ' || cast(cycle_end as {{ text }}) || ', and reached '
    || cast(level as {{ text }}) || '% on ' || cast(crossed_on as {{ text }}) || '.'
    || case
        when is_current then coalesce(
            ' Forecast for the whole cycle: ' || {{ magnific_analytics.grouped("forecast") }} || ' credits'
            || coalesce(' (' || cast(forecast_percent as {{ text }}) || '%)', '') || '.',
            ''
        )
        else ''
    end as message
from crossed
