-- By reference, under the name of today: a project that was renamed is one project.
with named as (
    select
        usage.*,
        coalesce(projects.name, max(project_name) over (partition by project_reference), project_reference) as name
    from usage
    left join projects using (project_reference)
)
select
    period,
    coalesce(name, 'No project') as name,
    project_reference is null as leftover,
    cast(sum(user_credits) as bigint) as credits,
    cast(sum(user_uses) as bigint) as uses
from named
join periods on date between periods.first_day and periods.last_day
group by period, project_reference, name
having sum(user_credits) > 0
order by period, leftover, credits desc, name;
