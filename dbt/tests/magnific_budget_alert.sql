{{ config(severity="warn") }}

-- Who has reached the variable magnific_analytics_alert_percent of this month's allowance.
select name, scope, credits, allowance, percent_used, forecast_percent
from {{ ref("magnific__budget") }}
where is_current_month
  and credits * 100 >= allowance * {{ var("magnific_analytics_alert_percent") }}
  and credits > 0
