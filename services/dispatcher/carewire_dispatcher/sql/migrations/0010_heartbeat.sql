-- What was handed out to endpoints that asked for heartbeats, numbered, and how far each was told of it.
alter table endpoint add column heartbeat_s integer check (heartbeat_s > 0); -- null: no heartbeats

create table heartbeat (
    endpoint_id uuid primary key references endpoint on delete cascade,
    last_sequence bigint not null default 0, -- the highest number that was given
    told_through bigint not null default 0, -- up to which heartbeats have listed
    next_at timestamptz not null,
    check (told_through <= last_sequence)
);
create index heartbeat_due on heartbeat (next_at);

create table handed_out (
    endpoint_id uuid not null,
    sequence bigint not null,
    event_id text not null,
    event_type text not null,
    event_at timestamptz not null,
    noted_at timestamptz not null,
    primary key (endpoint_id, sequence),
    unique (endpoint_id, event_id)
);
create index handed_out_by_age on handed_out (noted_at);
