-- A row of a seed that no model can use: a price without a day, an amount or a currency; an allowance of an unknown
-- scope, without a name where the scope needs one, or without credits.
select 'price' as seed, cast(valid_from as {{ dbt.type_string() }}) as said
from {{ ref("stg_magnific__prices") }}
where valid_from is null or list_price is null or currency is null
union all
select 'allowance', scope
from {{ ref("stg_magnific__allowances") }}
where valid_from is null
   or credits_per_month is null
   or scope is null
   or scope not in ('seat', 'team', 'group', 'person')
   or (scope in ('group', 'person') and name is null)
