-- What an endpoint may choose beyond address and types. The defaults are what endpoints were before.
alter table endpoint
    add column filter jsonb, -- a rule over the event; null: no event is filtered out
    add column paused boolean not null default false,
    add column disabled_because text check (disabled_because in ('operator', 'gone', 'failing')),
    add column payload text not null default 'full' check (payload in ('full', 'thin')),
    add column content_mode text not null default 'flat' check (content_mode in ('flat', 'cloudevents')),
    add column signing text[] not null default '{hmac}'
        check (cardinality(signing) > 0 and signing <@ '{hmac,ed25519,rsa}'::text[]),
    add column old_secret_until bigint, -- in milliseconds since 1970; null: until it is retired
    add column ed25519_keys text[] not null default '{}' check (cardinality(ed25519_keys) <= 2), -- sealed, as secrets
    add column old_ed25519_key_until bigint,
    add column rsa_key text, -- sealed
    add column retry_offsets_s integer[], -- null: the standard schedule
    add column terminal_statuses integer[] not null default '{}',
    add column shards integer not null default 1 check (shards > 0);

update endpoint set disabled_because = 'operator' where not enabled;
alter table endpoint add check (enabled = (disabled_because is null));
