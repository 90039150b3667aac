{{ config(severity="warn") }}

-- Days with usage before the first price, if there are prices. Their costs are null everywhere, including in the FOCUS
-- table.
select spent.team, spent.date, count(*) as how_many
from {{ ref("int_magnific__usage") }} as spent
where spent.cost is null
  and exists (select 1 from {{ ref("stg_magnific__prices") }})
group by spent.team, spent.date
