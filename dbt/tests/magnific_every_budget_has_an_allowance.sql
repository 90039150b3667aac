{{ config(severity="warn") }}

-- Allowances per seat with an unknown number of seats. The group is not listed, or there is no table of members.
select team, scope, name, cycle_start
from {{ ref("int_magnific__measured_cycles") }}
where scope <> 'month'
  and allowance is null
