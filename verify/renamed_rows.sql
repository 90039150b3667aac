-- Pair rows that have the same figures and differ only in a name. `SAME` lists the columns in which they are equal.
insert into renamed
with alone as (
    select id, our_rows is null as exported, row(SAME, their_uses + our_uses, their_credits + our_credits) as same,
        row_number() over (partition by exported, same order by id) as number
    from places
    where (their_rows is null or our_rows is null)
      and id not in (select id from renamed union all select other from renamed)
)
select theirs.id, ours.id
from alone as theirs join alone as ours on theirs.same = ours.same and theirs.number = ours.number
where theirs.exported and not ours.exported;
