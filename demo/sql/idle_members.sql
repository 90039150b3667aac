-- Active members without a single use in the last 30 days (the whole span where it is shorter or not by day).
select email, role, max(date) as last_use
from members
left join usage on user_email = lower(email) and user_uses > 0
cross join span
where status = 'active'
group by email, role, span.granularity, through
having max(date) is null or (span.granularity = 'day' and max(date) < through - 29)
order by last_use nulls first, email;
