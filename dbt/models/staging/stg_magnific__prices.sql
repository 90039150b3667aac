select
    cast(valid_from as date) as valid_from,
    cast(list_price_per_credit as {{ magnific_analytics.type_price() }}) as list_price,
    cast(coalesce(contracted_price_per_credit, list_price_per_credit) as {{ magnific_analytics.type_price() }}) as contracted_price,
    cast(currency as {{ dbt.type_string() }}) as currency
from {{ ref(var("magnific_analytics_seeds_project"), "magnific_prices") }}
