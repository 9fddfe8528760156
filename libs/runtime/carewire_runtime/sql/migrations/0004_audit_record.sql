-- Who did what to what, and who looked at whose payload: written in the transaction of the change that it tells of.
-- Ids are uuid7, so their order is the order of time. No row holds health data: subjects are told by our own ids.
create table audit_record (
    id uuid primary key,
    at timestamptz not null,
    principal_id text not null,
    principal_name text not null, -- as it was then: a key may be revoked, and its name given to another
    principal_role text not null,
    action text not null,
    subject_kind text not null,
    subject_id text not null,
    trace_id text
);
create index audit_record_by_subject on audit_record (subject_id, id desc);
create index audit_record_by_principal on audit_record (principal_id, id desc);
create index audit_record_by_action on audit_record (action, id desc);
