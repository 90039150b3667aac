{{ config(severity="warn") }}

-- Allowances that have no effect, because their team, group, project or person appears neither in a list nor in usage.
with known as (
    select team, 'group' as scope, group_name as name from {{ ref("stg_magnific__groups") }}
    union all
    select team, 'group', group_name from {{ ref("int_magnific__usage") }}
    union all
    select team, 'project', project_name from {{ ref("stg_magnific__projects") }}
    union all
    select team, 'project', project_reference from {{ ref("stg_magnific__projects") }}
    union all
    select team, 'project', project_name from {{ ref("int_magnific__usage") }}
    union all
    select team, 'project', project_reference from {{ ref("int_magnific__usage") }}
    union all
    select team, 'person', user_email from {{ ref("int_magnific__people") }}
    union all
    select team, 'person', user_email from {{ ref("int_magnific__usage") }}
)

select allowances.team, allowances.scope, allowances.name
from {{ ref("stg_magnific__allowances") }} as allowances
left join (select distinct scope, {{ magnific_analytics.name_key("name") }} as name_key from known) as names
    on names.scope = allowances.scope
    and names.name_key = {{ magnific_analytics.name_key("allowances.name") }}
left join (select distinct {{ magnific_analytics.name_key("team") }} as team_key from {{ ref("stg_magnific__last_sync") }}) as teams
    on teams.team_key = {{ magnific_analytics.name_key("allowances.team") }}
where (allowances.team is not null and teams.team_key is null)
   or (allowances.scope <> 'team' and allowances.name is not null and names.name_key is null)
