-- How many credits did each tool use each month, and what percentage of the month's credits was that?
select
    cast(date_trunc('month', date) as date) as month,
    tool,
    sum(user_uses) as uses,
    sum(user_credits) as credits,
    round(
        100.0 * sum(user_credits) / nullif(sum(sum(user_credits)) over (partition by date_trunc('month', date)), 0),
        1
    ) as percent_of_month
from credit_usage
where granularity = 'day'
  and tool is not null
group by date_trunc('month', date), tool
order by month, credits desc, tool;
