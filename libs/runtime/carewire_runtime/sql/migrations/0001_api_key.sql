-- Who may call the management API. The key itself is shown once and never stored.
create table api_key (
    id uuid primary key,
    name text not null,
    role text not null check (role in ('admin', 'operator', 'viewer')),
    hash bytea not null unique, -- SHA-256 of the key, which has 256 bits of randomness
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);
-- A name belongs to one living key; a revoked one gives it free.
create unique index api_key_living_name on api_key (name) where revoked_at is null;
