select *
from {{ ref("int_magnific__usage") }}
