select
    date,
    tool,
    project_reference,
    project_name,
    group_name,
    count(distinct user_email) as people,
    {{ magnific_analytics.total("uses") }} as uses,
    {{ magnific_analytics.total("credits") }} as credits,
    sum(list_cost) as list_cost,
    sum(cost) as cost,
    max(currency) as currency
from {{ ref("magnific__usage") }}
group by date, tool, project_reference, project_name, group_name
