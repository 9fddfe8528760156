-- What was sent and what was answered, and indexes by which the log is read page by page, however long it is.

-- What calls have in common that are made to an endpoint while its configuration stays as it is: told hourly, kept
-- once. No value of a header that may hold a credential is among it.
create table sent_request (
    id uuid primary key,
    url text not null,
    headers jsonb not null,
    payload text not null,
    content_mode text not null,
    seen_on date not null -- the last day on which it was told
);

alter table attempt
    add column endpoint_id uuid, -- null: made before the log told it; so are the next three
    add column request_id uuid,
    add column answer_headers jsonb, -- null: the answer is not kept
    add column answer_body text; -- sealed; null: there was none, it is not kept, or it was erased
create index attempt_of_endpoint on attempt (endpoint_id, started_at, id);

alter table delivery
    add column status_code integer, -- of the last attempt that was answered or failed, as is the next
    add column failure text;
-- All of these are read backwards, as ranges over all their columns. The first one stood in two directions.
drop index delivery_newest_of_endpoint;
create index delivery_of_endpoint on delivery (endpoint_id, event_at, id);
create index delivery_of_type on delivery (event_type, event_at, id);
create index delivery_of_care_flow on delivery (care_flow_id, event_at, id) where care_flow_id is not null;
-- Few rows, while all is well.
create index delivery_in_status on delivery (status, event_at, id) where status <> 'delivered';
create index delivery_of_endpoint_in_status on delivery (endpoint_id, status, event_at, id)
    where status <> 'delivered';
create index delivery_answered on delivery (status_code, event_at, id) where status_code not between 200 and 299;
create index delivery_not_answered on delivery (failure, event_at, id) where failure is not null;
