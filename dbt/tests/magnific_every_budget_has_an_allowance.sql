{{ config(severity="warn") }}

-- Credits of each seat where the seats are not known: of a group that is not listed, or without the table of members.
select team, scope, name, cycle_start
from {{ ref("int_magnific__measured_cycles") }}
where scope <> 'month'
  and allowance is null
