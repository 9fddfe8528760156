-- Records that were decided together with a change of state, on their way to Kafka. Published rows are deleted,
-- so the table is short; `position` orders records of one writer and is never compared to "the last one seen":
-- transactions commit in another order than they take their positions.
create table outbox (
    position bigserial primary key,
    topic text not null,
    key bytea,
    value bytea, -- null deletes the key of a compacted topic
    headers text not null, -- JSON: [["name", "value"], ...]
    created_at timestamptz not null default now()
);
alter table outbox set (
    -- All of it is dead within seconds: vacuum by count, not by share.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_threshold = -1
);
