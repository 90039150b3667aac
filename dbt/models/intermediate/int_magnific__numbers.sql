-- 0, 1, 2 and so on: enough days for a year, and enough months for a contract of fifty.
select generated_number - 1 as number
from ({{ dbt.generate_series(601) }}) as series
