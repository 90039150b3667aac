{{ config(severity="warn") }}

-- Usage by week, month or year is in the table; the models read days alone and leave it out.
select team, granularity, count(*) as how_many
from ({{ magnific_analytics.table_rows("credit_usage") }}) as loaded
where granularity <> 'day'
  and tool is not null
group by team, granularity
