-- Everyone who is or was a member, with the last role; who is no longer listed has the status 'left'.
select
    user_email,
    role,
    case when dbt_valid_to is null then status else 'left' end as status
from (
    select *, row_number() over (partition by user_email order by dbt_valid_from desc) as version_age
    from {{ ref("magnific__members_history") }}
) as versions
where version_age = 1
