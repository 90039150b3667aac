-- The newest name of each project, deleted ones included where the table still has them.
select
    team,
    project_reference,
    name as project_name
from ({{ magnific_analytics.newest_rows("projects", "project_reference") }}) as newest
