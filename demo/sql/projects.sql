-- By reference, under the name of today; a deleted project under the name of its last day.
select
    project_reference as id,
    coalesce(max(projects.name), arg_max(project_name, date), project_reference) as name
from usage
left join projects using (project_reference)
where project_reference is not null
group by project_reference;
