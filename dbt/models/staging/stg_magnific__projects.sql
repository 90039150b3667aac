-- The latest name of each project, including deleted projects that are still in the table.
select
    team,
    project_reference,
    name as project_name
from ({{ magnific_analytics.newest_rows("projects", "project_reference") }}) as newest
