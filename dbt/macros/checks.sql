{# Macros for the tests and the snapshot. #}

{# Return the combinations of `columns` that occur more than once in a model. Nulls count as equal. #}
{% macro repeated(model, columns) %}
select {{ columns | join(", ") }}, count(*) as how_often
from {{ model }}
group by {{ columns | join(", ") }}
having count(*) > 1
{% endmacro %}

{# Raise an error if a team's list of members is empty. Otherwise, the snapshot would mark everyone as having left. #}
{% macro require_members(members) %}
    {%- set listed = run_query("select distinct team from " ~ members).columns[0].values() -%}
    {%- for schema in var("magnific_analytics_schemas") or [var("magnific_analytics_schema")] -%}
        {%- if magnific_analytics.team_of(schema) not in listed -%}
            {{ exceptions.raise_compiler_error(
                "The table " ~ var("magnific_analytics_members_table") ~ " in the schema " ~ schema ~ " has no rows, "
                ~ "so the history of members was not updated. Sync the stream members and build again, or set "
                ~ "magnific_analytics_using_members: false if you do not sync it."
            ) }}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{# Return rows in which a value did not fit into its column. The destination wrote null instead and recorded the
   loss in `_airbyte_meta`. The test depends on `mart`, so that dbt builds the mart first. #}
{% macro lost_values(mart, tables) %}
-- {{ mart }}
{%- set synced = tables | select("in", magnific_analytics.synced_tables()) | list %}
{% for table in synced %}
{{- "union all" if not loop.first }}
select team, '{{ table }}' as table_name, {{ magnific_analytics.json_text("_airbyte_meta") }} as lost
from ({{ magnific_analytics.table_rows(table) }}) as loaded
where {{ magnific_analytics.json_text("_airbyte_meta") }} like '%"field"%'
{% else %}
select {{ magnific_analytics.nulls({"team": dbt.type_string(), "lost": dbt.type_string()}) }}
{% endfor %}
{% endmacro %}

{# Return the sums of uses or credits that differ between `modelled` and the loaded rows. `by` maps each grouping
   column of `modelled` to the SQL that returns the same value from the loaded table. #}
{% macro differences(modelled, by, table="credit_usage") %}
{%- set columns = ["team"] + by.keys() | list %}
with loaded as (
    select
        team,
        {%- for name, sql in by.items() %}
        {{ sql }} as {{ name }},
        {%- endfor %}
        sum(user_uses) as uses,
        sum(user_credits) as credits
    from ({{ magnific_analytics.newest_rows(table, "usage_id") }}) as newest
    where tool is not null
      and granularity = 'day'
    group by team{% for sql in by.values() %}, {{ sql }}{% endfor %}
),

modelled as (
    select {{ columns | join(", ") }}, sum(uses) as uses, sum(credits) as credits
    from ({{ modelled }}) as mart
    group by {{ columns | join(", ") }}
)

select
    loaded.team,
    {%- for name in by %}
    loaded.{{ name }},
    {%- endfor %}
    modelled.team as modelled_team,
    loaded.credits as loaded_credits,
    modelled.credits as modelled_credits
from loaded
full outer join modelled
    on modelled.team = loaded.team
    {%- for name in by %}
    and modelled.{{ name }} = loaded.{{ name }}
    {%- endfor %}
where loaded.team is null
   or modelled.team is null
   or loaded.credits <> modelled.credits
   or loaded.uses <> modelled.uses
{% endmacro %}

{# Return the cycles whose `used` differs from the sum of the loaded rows for the same days, scope and name. `cycles` is
   a query with the columns team, scope, name, cycle_start, cycle_end and used. #}
{% macro cycle_differences(cycles) %}
with loaded as (
    select newest.*, projects.name as todays_name
    from ({{ magnific_analytics.newest_rows("credit_usage", "usage_id") }}) as newest
    left join ({{ magnific_analytics.newest_rows("projects", "project_reference") }}) as projects
        on projects.team = newest.team
        and projects.project_reference = newest.project_reference
    where newest.tool is not null
      and newest.granularity = 'day'
),

cycles as ({{ cycles }})

select cycles.team, cycles.scope, cycles.name, cycles.cycle_start, cycles.used, sum(loaded.user_credits) as loaded_credits
from cycles
left join {{ ref("stg_magnific__last_sync") }} as last_sync on last_sync.team = cycles.team
left join loaded
    on loaded.team = cycles.team
    and cast(loaded.date as date) between cycles.cycle_start and cycles.cycle_end
    and cast(loaded.date as date) <= last_sync.as_of
    and case cycles.scope
        when 'team' then true
        when 'group' then lower(trim(loaded.group_name)) = lower(cycles.name)
        when 'person' then lower(trim(loaded.user_email)) = lower(cycles.name)
        when 'project' then lower(cycles.name) in (
            lower(loaded.project_reference), lower(trim(coalesce(loaded.todays_name, loaded.project_name)))
        )
    end
group by cycles.team, cycles.scope, cycles.name, cycles.cycle_start, cycles.used
having cycles.used <> coalesce(sum(loaded.user_credits), 0)
{% endmacro %}
