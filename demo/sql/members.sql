select lower(email) as email, min(role) as role, min(status) as status
from members
group by lower(email)
order by 1;
