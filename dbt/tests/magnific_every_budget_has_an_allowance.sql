{{ config(severity="warn") }}

-- Allowances per seat whose number of seats is unknown: the group is not listed, or the table of members is missing.
select team, scope, name, cycle_start
from {{ ref("int_magnific__measured_cycles") }}
where scope <> 'month'
  and allowance is null
