-- Subscribers. Everything that fan-out and workers need of a row travels on dispatcher.endpoints too.
create table endpoint (
    id uuid primary key,
    name text not null,
    url text not null,
    event_types text[], -- null: every domain event
    definition_ids text[], -- null: every care-flow definition
    enabled boolean not null,
    concurrency integer not null check (concurrency > 0),
    timeout_s double precision not null check (timeout_s > 0),
    headers jsonb not null, -- name to sealed value
    secrets text[] not null check (cardinality(secrets) between 1 and 2), -- sealed, the newest first
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
