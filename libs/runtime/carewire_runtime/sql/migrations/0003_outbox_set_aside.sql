-- Records that Kafka will never take, since they are too large for the producer or for their topic. They are set
-- aside here, so that they stop nobody and nothing is lost. Once the limits are raised, this publishes one:
--   with back as (delete from outbox_set_aside where position = ... returning topic, key, value, headers)
--   insert into outbox (topic, key, value, headers) select * from back;
create table outbox_set_aside (
    position bigint primary key,
    topic text not null,
    key bytea,
    value bytea,
    headers text not null,
    created_at timestamptz not null,
    reason text not null, -- a fixed word of ours
    set_aside_at timestamptz not null default now()
);
