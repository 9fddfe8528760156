-- name: add_audit_records
-- What one principal did at one moment ($2 to $6), each deed with an id, an action and a subject of its own.
insert into audit_record
    (id, at, principal_id, principal_name, principal_role, trace_id, action, subject_kind, subject_id)
select id, $2, $3, $4, $5, $6, action, subject_kind, subject_id
from unnest($1::uuid[], $7::text[], $8::text[], $9::text[]) as deed (id, action, subject_kind, subject_id)

-- name: delete_audit_records
-- The oldest $2 records before an id.
delete from audit_record
where id in (select id from audit_record where id < $1 order by id limit $2)
