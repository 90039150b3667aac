select
    team,
    scope,
    name,
    cycle_start,
    cycle_end,
    is_current,
    first_day > cycle_start as is_partial,
    allowance,
    extra_allowance,
    seats,
    used,
    used_through,
    used_through < as_of as is_used_through_over,
    allowance - used as remaining,
    {{ magnific_analytics.percent("used", "allowance") }} as percent_used,
    forecast,
    {{ magnific_analytics.percent("forecast", "allowance_at_end") }} as forecast_percent,
    runs_out_on,
    case
        {%- for level in magnific_analytics.levels() %}
        when {{ magnific_analytics.reaches("used", "allowance", level) }} then {{ level }}
        {%- endfor %}
        else 0
    end as level,
    allowance_cost,
    used_cost,
    allowance_cost - used_cost as remaining_cost,
    used_cost + (forecast - used) * price as forecast_cost,
    currency
from {{ ref("int_magnific__measured_cycles") }}
where scope <> 'month'
