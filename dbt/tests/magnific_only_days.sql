{{ config(severity="warn") }}

-- Usage by week, month or year in the table; the models read only days and leave it out.
select team, granularity, count(*) as how_many
from ({{ magnific_analytics.table_rows("credit_usage") }}) as loaded
where granularity <> 'day'
  and tool is not null
group by team, granularity
