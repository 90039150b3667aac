select
    {{ magnific_analytics.day(magnific_analytics.cell("valid_from")) }} as valid_from,
    cast(list_price_per_credit as {{ magnific_analytics.type_price() }}) as list_price,
    cast(coalesce(contracted_price_per_credit, list_price_per_credit) as {{ magnific_analytics.type_price() }}) as contracted_price,
    {{ magnific_analytics.cell("currency") }} as currency
from {{ ref(var("magnific_analytics_seeds_project"), "magnific_prices") }}
