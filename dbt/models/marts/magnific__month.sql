select
    team,
    cycle_start as month,
    is_current,
    first_day > cycle_start as is_partial,
    used,
    used_through,
    used_through < as_of as is_used_through_over,
    forecast,
    used_cost as cost,
    used_cost + (forecast - used) * price as forecast_cost,
    currency
from {{ ref("int_magnific__measured_cycles") }}
where scope = 'month'
