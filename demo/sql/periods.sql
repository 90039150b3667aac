select period, label, first_day, last_day
from periods
order by place;
