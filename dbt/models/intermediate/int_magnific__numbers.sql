-- 0, 1, 2 and so on: enough days for a year, and enough months for a contract of fifty.
select cast(generated_number - 1 as {{ dbt.type_int() }}) as number
from ({{ dbt.generate_series(601) }}) as series
