-- Each row of the seed magnific_allowances, once for each team to which it applies.
select
    row_number() over (
        order by last_sync.team, allowances.scope, allowances.name, allowances.valid_to, allowances.valid_from
    ) as allowance_id,
    last_sync.team,
    allowances.scope,
    case when allowances.scope = 'team' then last_sync.team else allowances.name end as name,
    case when allowances.scope = 'team' then '' else {{ magnific_analytics.name_key("allowances.name") }} end as name_key,
    allowances.credits,
    allowances.credits_per_seat,
    allowances.period,
    allowances.valid_from,
    allowances.valid_to
from {{ ref("stg_magnific__allowances") }} as allowances
cross join {{ ref("stg_magnific__last_sync") }} as last_sync
where coalesce({{ magnific_analytics.name_key("allowances.team") }}, {{ magnific_analytics.name_key("last_sync.team") }})
    = {{ magnific_analytics.name_key("last_sync.team") }}
