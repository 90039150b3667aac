select
    team,
    date,
    tool,
    project_reference,
    project_name,
    group_name,
    group_label,
    count(distinct user_email) as people,
    {{ magnific_analytics.total("uses") }} as uses,
    {{ magnific_analytics.total("credits") }} as credits,
    sum(list_cost) as list_cost,
    sum(cost) as cost,
    max(currency) as currency
from {{ ref("int_magnific__usage") }}
group by team, date, tool, project_reference, project_name, group_name, group_label
