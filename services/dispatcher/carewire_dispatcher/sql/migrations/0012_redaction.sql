-- What of bodies nobody is shown: paths (JSONPath), replaced before an answer is kept and before a body is shown.
alter table endpoint add column redacted text[] not null default '{}';

-- The log of an endpoint outlives it, and so does what nobody is shown of it.
create table deleted_endpoint (
    id uuid primary key,
    redacted text[] not null
);
