-- name: merge_deliveries
-- Brings deliveries up to date. The rule which state is the later one is that of LogEntry.supersedes.
insert into delivery as old (
    id, endpoint_id, event_id, event_type, event_topic, event_partition, event_offset, event_at,
    epoch, attempts, status, reason, first_attempt_at, next_attempt_at, updated_at, care_flow_id
)
select * from unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::bigint[], $8::timestamptz[],
    $9::integer[], $10::integer[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[],
    $15::timestamptz[], $16::uuid[]
)
on conflict (event_at, id) do update
set epoch = excluded.epoch,
    attempts = excluded.attempts,
    status = excluded.status,
    reason = excluded.reason,
    first_attempt_at = excluded.first_attempt_at,
    next_attempt_at = excluded.next_attempt_at,
    updated_at = excluded.updated_at
where (excluded.epoch, excluded.status = 'delivered', excluded.attempts, excluded.updated_at)
    >= (old.epoch, old.status = 'delivered', old.attempts, old.updated_at)

-- name: add_attempts
-- Adds attempts; those that are there already are left alone.
insert into attempt (id, delivery_id, epoch, number, started_at, duration_ms, status_code, failure, outcome)
select * from unnest(
    $1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::timestamptz[], $6::integer[], $7::integer[],
    $8::text[], $9::text[]
)
on conflict (started_at, id) do nothing

-- name: list_deliveries
-- A page of deliveries, newest event first. Each filter that is null lets everything pass.
select * from delivery
where ($1::uuid is null or endpoint_id = $1)
    and ($2::text is null or event_type = $2)
    and ($3::text is null or status = $3)
    and ($4::text is null or event_id = $4)
    and ($5::timestamptz is null or (event_at, id) < ($5, $6::uuid))
order by event_at desc, id desc
limit $7

-- name: find_delivery
-- One delivery. An event that was published twice may have left two rows of it.
select * from delivery where id = $1::uuid order by updated_at desc limit 1

-- name: attempts_of_delivery
-- The attempts of a delivery in the order in which they were made.
select * from attempt where delivery_id = $1::uuid order by started_at, id

-- name: lock_days
-- Lets one writer at a time make and drop days.
select pg_advisory_xact_lock(hashtextextended('carewire days of the attempt log', 0))

-- name: make_days
-- Makes the partitions of some days of a table.
select make_day($1, day) from unnest($2::date[]) as day

-- name: drop_days
-- Drops what is older than a day; returns how many days of the table went.
select drop_days($1, $2)
