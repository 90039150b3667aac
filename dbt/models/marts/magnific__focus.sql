{#- One row for each row of usage, in the format of FOCUS 1.2 (https://focus.finops.org) with the provider columns of
    1.4. Column names are quoted because the specification writes them in Pascal case. -#}
{%- set price = magnific_analytics.type_price() -%}
{%- set text = dbt.type_string() -%}
{%- set no_text = "cast(null as " ~ text ~ ")" -%}
{%- set names = "'Magnific'" -%}
{%- set month = magnific_analytics.month_of("date") -%}
{%- set columns = [
    ("BilledCost", "cast(0 as " ~ price ~ ")"),
    ("EffectiveCost", "cost"),
    ("ContractedCost", "cost"),
    ("ListCost", "list_cost"),
    ("ContractedUnitPrice", "contracted_price"),
    ("ListUnitPrice", "list_price"),
    ("PricingQuantity", "cast(credits as " ~ price ~ ")"),
    ("PricingUnit", "'Credits'"),
    ("PricingCategory", "'Standard'"),
    ("PricingCurrency", "'Credit'"),
    ("PricingCurrencyEffectiveCost", "cast(credits as " ~ price ~ ")"),
    ("PricingCurrencyListUnitPrice", "cast(1 as " ~ price ~ ")"),
    ("PricingCurrencyContractedUnitPrice", "cast(1 as " ~ price ~ ")"),
    ("ConsumedQuantity", "cast(uses as " ~ price ~ ")"),
    ("ConsumedUnit", "'Operations'"),
    ("ChargePeriodStart", "cast(date as timestamp)"),
    ("ChargePeriodEnd", "cast(" ~ dbt.dateadd("day", 1, "date") ~ " as timestamp)"),
    ("BillingPeriodStart", "cast(" ~ month ~ " as timestamp)"),
    ("BillingPeriodEnd", "cast(" ~ magnific_analytics.month_after(month) ~ " as timestamp)"),
    ("BillingAccountId", magnific_analytics.literal(var("magnific_analytics_billing_account_id"))),
    ("BillingAccountName", magnific_analytics.literal(var("magnific_analytics_billing_account_name"))),
    ("BillingAccountType", "'Team'"),
    ("BillingCurrency", "currency"),
    ("ChargeCategory", "'Usage'"),
    ("ChargeClass", "case when credits < 0 or uses < 0 then 'Correction' end"),
    ("ChargeFrequency", "'Usage-Based'"),
    ("ChargeDescription", "tool || ': ' || cast(uses as " ~ text ~ ") || ' uses'"),
    ("ServiceName", names),
    ("ServiceCategory", "'AI and Machine Learning'"),
    ("ServiceSubcategory", "'Generative AI'"),
    ("ProviderName", names),
    ("PublisherName", names),
    ("InvoiceIssuerName", names),
    ("ServiceProviderName", names),
    ("HostProviderName", names),
    ("SkuId", "tool"),
    ("SkuMeter", "tool"),
    ("SkuPriceId", "tool || '/credit'"),
    ("SkuPriceDetails", no_text),
    ("SubAccountId", "project_reference"),
    ("SubAccountName", "project_name"),
    ("SubAccountType", "case when project_reference is not null then 'Project' end"),
    ("CommitmentDiscountStatus", no_text),
    ("InvoiceId", no_text),
    ("Tags", "'{' || ltrim(group_tag || project_tag || person_tag, ',') || '}'"),
    ("x_Team", "team"),
    ("x_UsageId", "usage_id"),
    ("x_GroupName", "group_name"),
] -%}
{%- if var("magnific_analytics_focus_people") %}{% do columns.append(("x_UserEmail", "user_email")) %}{% endif -%}

select
    {%- for name, sql in columns %}
    {{ sql }} as {{ adapter.quote(name) }}{{ "," if not loop.last }}
    {%- endfor %}
from (
    select
        spent.*,
        prices.list_price,
        prices.contracted_price,
        {{ magnific_analytics.tag("group", "spent.group_name") }} as group_tag,
        {{ magnific_analytics.tag("project", "spent.project_name") }} as project_tag,
        {% if var("magnific_analytics_focus_people") %}{{ magnific_analytics.tag("user", "spent.user_email") }}{% else %}''{% endif %} as person_tag
    from {{ ref("int_magnific__usage") }} as spent
    left join {{ ref("int_magnific__priced_days") }} as prices on prices.date = spent.date
) as tagged
