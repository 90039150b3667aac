-- Which projects use the credits? Each project is one row under its current name, even if the project was renamed.
-- A deleted project appears under the name that it had on its last day with usage.
with named as (
    select
        *,
        row_number() over (partition by project_reference order by date desc, _airbyte_extracted_at desc) as age
    from credit_usage
    where granularity = 'day'
      and tool is not null
),
spent as (
    select
        project_reference,
        max(case when age = 1 then project_name end) as last_name,
        sum(user_uses) as uses,
        sum(user_credits) as credits,
        count(distinct lower(user_email)) as people,
        min(date) as first_day,
        max(date) as last_day
    from named
    group by project_reference
)
select
    case
        when spent.project_reference is null then 'No project'
        else coalesce(projects.name, spent.last_name, spent.project_reference)
    end as project,
    spent.uses,
    spent.credits,
    spent.people,
    spent.first_day,
    spent.last_day
from spent
left join projects on projects.project_reference = spent.project_reference
order by spent.credits desc, project;
