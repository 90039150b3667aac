{{ config(severity="warn") }}

-- Usage by week, month or year is in the table; the models read days alone and leave it out.
select granularity, count(*) as how_many
from {{ source("magnific", "credit_usage") }}
where granularity <> 'day'
  and tool is not null
group by granularity
