-- The numbers from 0 to 600, which is enough for the days of a year and the months of fifty years.
select cast(generated_number - 1 as {{ dbt.type_int() }}) as number
from ({{ dbt.generate_series(601) }}) as series
