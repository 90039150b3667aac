{{ config(severity="warn") }}

-- Allowances of a group or person whom neither the lists nor usage know, so that nothing is measured by them.
select allowances.scope, allowances.name
from {{ ref("stg_magnific__allowances") }} as allowances
left join (
    select 'group' as scope, lower(trim(group_name)) as name from {{ ref("stg_magnific__groups") }}
    union all
    select 'group', lower(trim(group_name)) from {{ ref("magnific__usage") }}
    union all
    select 'person', user_email from {{ ref("int_magnific__people") }}
    union all
    select 'person', user_email from {{ ref("magnific__usage") }}
) as known on known.scope = allowances.scope and known.name = allowances.name
where allowances.scope in ('group', 'person')
  and allowances.name is not null
  and known.name is null
