-- Rows with a `valid_to` are for rollover or packs, which add credits to the plan.
select
    {{ magnific_analytics.cell("team") }} as team,
    lower({{ magnific_analytics.cell("scope") }}) as scope,
    {{ magnific_analytics.cell("name") }} as name,
    cast({{ magnific_analytics.cell("credits") }} as {{ dbt.type_bigint() }}) as credits,
    cast({{ magnific_analytics.cell("credits_per_seat") }} as {{ dbt.type_bigint() }}) as credits_per_seat,
    lower({{ magnific_analytics.cell("period") }}) as period,
    {{ magnific_analytics.day(magnific_analytics.cell("valid_from")) }} as valid_from,
    {{ magnific_analytics.day(magnific_analytics.cell("valid_to")) }} as valid_to
from {{ ref(var("magnific_analytics_seeds_project"), "magnific_allowances") }}
