-- How an endpoint does, as the attempt log tells: the writers of the log fold it out of what they write. Moments are
-- milliseconds since 1970. Without a row nothing is known against an endpoint.
create table endpoint_health (
    endpoint_id uuid primary key references endpoint on delete cascade,
    judged_from bigint not null default 0, -- attempts that began earlier don't count: it was enabled, or its URL changed
    failing_since bigint, -- null: it does well
    last_failure_at bigint,
    failed_attempts integer not null default 0, -- since then
    warnings integer not null default 0,
    check ((failing_since is null) = (last_failure_at is null))
);
