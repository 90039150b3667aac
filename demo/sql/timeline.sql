-- Credits and uses of each bucket and tool. Seven tools by name, the smaller ones together; place 1 is the largest.
with ranked as (
    select tool, row_number() over (order by sum(user_credits) desc, tool) as place
    from usage
    group by tool
)
select
    strftime(date, '%Y-%m-%d') as day,
    strftime(date_trunc('week', date), '%Y-%m-%d') as week,
    strftime(date_trunc('month', date), '%Y-%m-%d') as month,
    strftime(date_trunc('year', date), '%Y-%m-%d') as year,
    case when place <= 7 or tools = 8 then tool else 'Other tools' end as tool,
    least(place, 8) as place,
    cast(sum(user_credits) as bigint) as credits,
    cast(sum(user_uses) as bigint) as uses
from usage
join ranked using (tool)
cross join (select count(*) as tools from ranked)
group by all
having sum(user_credits) > 0 or sum(user_uses) > 0
order by day, place;
