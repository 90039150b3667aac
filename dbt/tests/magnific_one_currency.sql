-- More than one currency in the prices: amounts in several currencies cannot be added up.
select count(distinct currency) as currencies
from {{ ref("stg_magnific__prices") }}
having count(distinct currency) > 1
