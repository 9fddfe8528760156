-- The attempt log: what the topic dispatcher.attempts says, for people to look at.
create table delivery (
    id uuid primary key,
    endpoint_id uuid not null,
    event_id text not null,
    event_type text not null,
    event_topic text not null, -- with partition and offset: where the event can be read again
    event_partition integer not null,
    event_offset bigint not null,
    event_at timestamptz not null,
    epoch integer not null,
    attempts integer not null,
    status text not null check (status in ('retrying', 'delivered', 'failed', 'held')),
    reason text,
    first_attempt_at timestamptz,
    next_attempt_at timestamptz,
    updated_at timestamptz not null
);
create index delivery_newest on delivery (event_at desc, id desc);
create index delivery_newest_of_endpoint on delivery (endpoint_id, event_at desc, id desc);
create index delivery_of_event on delivery (event_id);

create table attempt (
    id uuid primary key,
    delivery_id uuid not null,
    epoch integer not null,
    number integer not null,
    started_at timestamptz not null,
    duration_ms integer not null,
    status_code integer,
    failure text,
    outcome text not null
);
create index attempt_of_delivery on attempt (delivery_id, started_at);
