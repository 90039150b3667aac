with last_names as (
    select
        team,
        project_reference,
        project_name,
        row_number() over (partition by team, project_reference order by date desc, usage_id desc) as name_age
    from {{ ref("stg_magnific__credit_usage") }}
    where project_name is not null
)

select
    spent.team,
    spent.usage_id,
    spent.date,
    spent.tool,
    spent.user_email,
    coalesce(spent.user_email, '{{ magnific_analytics.nobody() }}') as person,
    case
        when spent.user_email is null then 'nobody'
        when spent.group_name is null then 'person'
        else 'group'
    end as attribution,
    people.role as member_role,
    people.status as member_status,
    spent.group_name,
    case
        when spent.group_name is not null then spent.group_name
        when spent.user_email is not null then '(no group)'
        else '{{ magnific_analytics.nobody() }}'
    end as group_label,
    spent.project_reference,
    coalesce(projects.project_name, last_names.project_name) as project_name,
    spent.uses,
    spent.credits,
    spent.credits * prices.list_price as list_cost,
    spent.credits * prices.contracted_price as cost,
    prices.currency,
    spent.extracted_at
from {{ ref("stg_magnific__credit_usage") }} as spent
left join {{ ref("int_magnific__people") }} as people
    on people.team = spent.team
    and people.user_email = spent.user_email
left join {{ ref("stg_magnific__projects") }} as projects
    on projects.team = spent.team
    and projects.project_reference = spent.project_reference
left join last_names
    on last_names.team = spent.team
    and last_names.project_reference = spent.project_reference
    and last_names.name_age = 1
left join {{ ref("int_magnific__priced_days") }} as prices on prices.date = spent.date
