-- The twelve largest, everyone else in one row, and what Magnific attributes to nobody.
with spent as (
    select
        period,
        user_email,
        sum(user_credits) as credits,
        sum(user_uses) as uses,
        row_number() over (
            partition by period, user_email is null order by sum(user_credits) desc, user_email
        ) as place
    from usage
    join periods on date between periods.first_day and periods.last_day
    group by period, user_email
    having sum(user_credits) > 0
),
shown as (
    select spent.*, case when place <= 12 then user_email end as person, user_email is null as nobody, role
    from spent
    left join members on lower(email) = user_email
)
select
    period,
    case
        when nobody then 'Not attributed to a person'
        when person is not null then person
        else printf('%d more people', count(*))
    end as name,
    case when person is not null then coalesce(max(role), 'no longer a member') end as role,
    person is null as leftover,
    person is null and not nobody as others,
    cast(sum(credits) as bigint) as credits,
    cast(sum(uses) as bigint) as uses
from shown
group by period, person, nobody
order by period, leftover, credits desc, name;
