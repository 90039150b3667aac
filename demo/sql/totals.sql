-- Each period and tool of either side: what the table adds up to, and what it must add up to. No row where
-- the file holds nothing to compare with.
with stored as (
    select
        greatest(cast(date_trunc(demo_origin.granularity, date) as date), first) as date,
        tool,
        sum(user_uses) as uses,
        sum(user_credits) as credits
    from usage
    join demo_origin on date between first and last
    group by all
)
select
    count(*) as sums,
    count(*) filter (
        coalesce(uses, 0) <> coalesce(user_uses, 0) or coalesce(credits, 0) <> coalesce(user_credits, 0)
    ) as different,
    cast(coalesce(sum(credits), 0) as bigint) as stored_credits,
    cast(coalesce(sum(user_credits), 0) as bigint) as expected_credits,
    demo_origin.said_by,
    demo_origin.granularity,
    demo_origin.first,
    demo_origin.last
from demo_origin
left join (
    select date, tool, uses, credits, user_uses, user_credits
    from stored
    full join demo_expected using (date, tool)
) as both_sides on true
group by all;
