-- The number of currencies, if the prices use more than one. Amounts in different currencies cannot be added up.
select count(distinct currency) as currencies
from {{ ref("stg_magnific__prices") }}
having count(distinct currency) > 1
