-- Groups of today by name.
select name, cast(sum(member_count) as bigint) as members
from groups
where name is not null
group by name
order by 1;
