select
    cast(valid_from as date) as valid_from,
    lower(scope) as scope,
    case when lower(scope) in ('group', 'person') then lower(trim(name)) end as name,
    cast(credits_per_month as {{ dbt.type_bigint() }}) as credits_per_month
from {{ ref(var("magnific_analytics_seeds_project"), "magnific_allowances") }}
