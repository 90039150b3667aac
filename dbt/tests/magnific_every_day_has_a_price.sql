{{ config(severity="warn") }}

-- Days before the first price, where there is one at all: their money is null, and FOCUS has no cost for them.
select usage_rows.date, count(*) as how_many
from {{ ref("magnific__usage") }} as usage_rows
where usage_rows.cost is null
  and exists (select 1 from {{ ref("stg_magnific__prices") }})
group by usage_rows.date
