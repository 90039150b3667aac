{{ config(severity="warn") }}

-- Per-seat allowances whose number of seats is unknown because the group is not listed or members are not synced.
select team, scope, name, cycle_start
from {{ ref("int_magnific__measured_cycles") }}
where scope <> 'month'
  and allowance is null
