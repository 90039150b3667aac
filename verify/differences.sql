-- Compare the rows of the export (`export`) with those of the table (`usage`) on the days in `asked`.

-- One row for each period (at the table's granularity) and combination of names, with the figures of both sides. `day`
-- is the period's first day.
create temp table places as
with rows as (
    select 'export' as side, first_of(export.date, granularity) as day, tidy(tool) as tool, lower(tidy(person)) as person,
        coalesce(project_names.name, tidy(project)) as project, tidy("group") as "group",
        coalesce(uses, 0) as uses, credits, 'row ' || row as found_at, row as position
    from export cross join synced cross join asked left join project_names on project_reference = project
    where export.date between asked.first_day and asked.last_day
    union all
    select 'table', date, tidy(tool),
        if(list_contains(columns, 'person'), lower(tidy(user_email)), null),
        if(list_contains(columns, 'project'), coalesce(project_names.name, tidy(project_name)), null),
        if(list_contains(columns, 'group'), tidy(group_name), null),
        if(list_contains(columns, 'uses'), user_uses, 0), user_credits, usage_id, 0
    from usage cross join synced cross join asked left join project_names using (project_reference)
    where date between first_of(asked.first_day, synced.granularity) and asked.last_day
)
select row_number() over (order by day, tool, person, project, "group") as id, day, tool, person, project, "group",
    coalesce(sum(uses) filter (side = 'export'), 0) as their_uses,
    coalesce(sum(credits) filter (side = 'export'), 0) as their_credits,
    list(found_at order by position) filter (side = 'export') as their_rows,
    coalesce(sum(uses) filter (side = 'table'), 0) as our_uses,
    coalesce(sum(credits) filter (side = 'table'), 0) as our_credits,
    list(found_at order by found_at) filter (side = 'table') as our_rows
from rows
group by day, tool, person, project, "group"
having (their_uses, their_credits, our_uses, our_credits) <> (0, 0, 0, 0);

create temp table sums as
select day, tool, sum(their_credits) as their_credits, sum(our_credits) as our_credits, sum(their_uses) as their_uses,
    sum(our_uses) as our_uses, sum(their_credits - our_credits) as credits, sum(their_uses - our_uses) as uses
from places
group by all;

-- Pairs of rows in the export and the table that have the same figures under different names (`renamed_rows.sql`).
create temp table renamed (id bigint, other bigint);

-- All rows that differ, largest differences first, each with the first reason that applies (`difference_reasons.py`).
create temp view differing as
with paired as (
    select places.* replace (
            places.our_uses + coalesce(other.our_uses, 0) as our_uses,
            places.our_credits + coalesce(other.our_credits, 0) as our_credits,
            coalesce(other.our_rows, places.our_rows) as our_rows),
        other.id is not null as renamed,
        {tool: other.tool, project: other.project, 'group': other."group", person: other.person} as other
    from places left join renamed using (id) left join places as other on other.id = renamed.other
    where (places.their_uses, places.their_credits) <> (places.our_uses, places.our_credits) and places.id not in (select other from renamed)
)
select paired.*, their_credits - our_credits as credits, their_uses - our_uses as uses,
    case
        when not exists (from places where their_rows is not null) then 'empty'
        when len(their_rows) <> len(our_rows)
            and their_credits * len(our_rows) = our_credits * len(their_rows)
            and their_uses * len(our_rows) = our_uses * len(their_rows) then 'repeated'
        when through is null then 'never'
        when last_of(day, granularity) < synced.first_day then 'before'
        when day > through then 'unsynced'
        when day < asked.first_day or last_of(day, granularity) > asked.last_day then 'part'
        when last_of(day, granularity) > complete then 'open'
        when renamed then 'names'
        when their_rows is null and person is null and list_contains(columns, 'person')
            and not exists (from places where their_rows is not null and person is null) then 'nobody'
        when exists (from sums where (day, tool, credits, uses) = (paired.day, paired.tool, 0, 0)) then 'moved'
        when our_rows is null and filters is not null then 'filtered'
        when last_of(day, granularity) >= through - lookback then 'recent'
        else 'older'
    end as reason
from paired cross join synced cross join asked
order by abs(their_credits - our_credits) desc, abs(their_uses - our_uses) desc, id;
