-- The numbers from 0 to 600: enough for the days of a year or the months of fifty years.
select cast(generated_number - 1 as {{ dbt.type_int() }}) as number
from ({{ dbt.generate_series(601) }}) as series
