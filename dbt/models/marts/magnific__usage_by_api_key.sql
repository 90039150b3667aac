select
    spent.team,
    spent.date,
    spent.api_key_id,
    coalesce(api_keys.display_name, spent.api_key_id) as key_name,
    spent.tool,
    spent.user_email,
    coalesce(spent.user_email, '{{ magnific_analytics.nobody() }}') as person,
    {{ magnific_analytics.total("spent.uses") }} as uses,
    {{ magnific_analytics.total("spent.credits") }} as credits,
    sum(spent.credits * prices.list_price) as list_cost,
    sum(spent.credits * prices.contracted_price) as cost,
    max(prices.currency) as currency
from {{ ref("stg_magnific__credit_usage_by_api_key") }} as spent
left join {{ ref("stg_magnific__api_keys") }} as api_keys
    on api_keys.team = spent.team
    and api_keys.api_key_id = spent.api_key_id
left join {{ ref("int_magnific__priced_days") }} as prices on prices.date = spent.date
group by spent.team, spent.date, spent.api_key_id, api_keys.display_name, spent.tool, spent.user_email
