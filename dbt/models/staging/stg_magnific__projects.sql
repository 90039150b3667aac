-- The newest name of each project, including deleted projects that the table still has.
select
    team,
    project_reference,
    name as project_name
from ({{ magnific_analytics.newest_rows("projects", "project_reference") }}) as newest
