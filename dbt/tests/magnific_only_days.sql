{{ config(severity="warn") }}

-- Usage by week, month or year, which the models do not read.
select team, granularity, count(*) as how_many
from ({{ magnific_analytics.table_rows("credit_usage") }}) as loaded
where granularity <> 'day'
  and tool is not null
group by team, granularity
