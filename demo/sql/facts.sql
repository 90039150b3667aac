-- One row: the whole span in figures. `people` used credits; `members` are active or invited today.
select
    (select granularity from span) as granularity,
    (select first_day from span) as first_day,
    (select through from span) as through,
    (select complete from span) as complete,
    (select synced_at from span) as synced_at,
    coalesce(sum(user_credits), 0) as credits,
    coalesce(sum(user_uses), 0) as uses,
    coalesce(sum(user_credits) filter (user_email is null), 0) as unattributed,
    count(distinct user_email) filter (user_credits > 0) as people,
    (select count(*) from members where status = 'active') as active_members,
    count(distinct usage_id) as row_ids,
    count(*) as row_count
from usage;
