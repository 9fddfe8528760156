-- Repairs: what was asked to be sent again, and how far that has come. Each look takes the next number for its epoch,
-- so that whatever is written later supersedes whatever was written before, whoever asked for it.
create sequence repair_epoch as integer;

create table repair (
    id uuid primary key,
    kind text not null check (kind in ('retry_one', 'retry_failed', 'resume', 'replay')),
    which text not null check (which in ('held', 'failed', 'missing', 'all')),
    endpoint_id uuid, -- null: every endpoint
    care_flow_id uuid, -- null: every care flow, and what belongs to none
    delivery_id uuid, -- null: every delivery
    event_from timestamptz, -- of the events' appending; null: from the first on
    event_to timestamptz, -- null: to the last
    epoch integer not null default nextval('repair_epoch'),
    state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'cancelled', 'stopped')),
    reason text check ((reason is null) = (state <> 'stopped')),
    total bigint not null, -- deliveries, or where it begins with the events: events to look at
    looked_at bigint not null default 0,
    taken bigint not null default 0,
    skipped bigint not null default 0,
    unreadable bigint not null default 0,
    progress jsonb not null,
    claims boolean not null default false, -- whether dispatcher.repairs speaks of it
    next_step_at timestamptz not null,
    created_by text, -- id of the principal; null: it came with the opening of its endpoint, which is on record
    created_at timestamptz not null,
    ended_at timestamptz,
    request_key text unique -- digest of the Idempotency-Key of the call that asked for it, and of whose it is
);
create index repair_due on repair (next_step_at) where state in ('waiting', 'running');
create index repair_claiming on repair (ended_at) where claims;
create index repair_of_endpoint on repair (endpoint_id, id desc);
