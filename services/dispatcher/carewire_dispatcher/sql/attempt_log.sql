-- name: merge_deliveries
-- Brings deliveries up to date. The rule which state is the later one is that of LogEntry.supersedes, and what of the
-- earlier one stays is that of LogEntry.knowing.
insert into delivery as old (
    id, endpoint_id, event_id, event_type, event_topic, event_partition, event_offset, event_at,
    epoch, attempts, status, reason, first_attempt_at, next_attempt_at, updated_at, care_flow_id,
    status_code, failure
)
select * from unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::bigint[], $8::timestamptz[],
    $9::integer[], $10::integer[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[],
    $15::timestamptz[], $16::uuid[], $17::integer[], $18::text[]
)
on conflict (event_at, id) do update
set epoch = excluded.epoch,
    attempts = case
        when excluded.status = 'held' and excluded.epoch = old.epoch then greatest(excluded.attempts, old.attempts)
        else excluded.attempts
    end,
    status = excluded.status,
    reason = excluded.reason,
    first_attempt_at = case
        when excluded.status = 'held' and excluded.epoch = old.epoch
            then coalesce(excluded.first_attempt_at, old.first_attempt_at)
        else excluded.first_attempt_at
    end,
    next_attempt_at = excluded.next_attempt_at,
    updated_at = excluded.updated_at,
    -- An end without an attempt, as of what is held, leaves what the last one came to.
    status_code = case when excluded.failure is null then coalesce(excluded.status_code, old.status_code) end,
    failure = case when excluded.status_code is null then coalesce(excluded.failure, old.failure) end
where (
    excluded.epoch, excluded.status = 'delivered', excluded.attempts + (excluded.status = 'held')::integer,
    excluded.status <> 'retrying', excluded.attempts, excluded.updated_at
) >= (
    old.epoch, old.status = 'delivered', old.attempts + (old.status = 'held')::integer,
    old.status <> 'retrying', old.attempts, old.updated_at
)

-- name: add_attempts
-- Adds attempts; those that are there already are left alone.
insert into attempt (
    id, delivery_id, epoch, number, started_at, duration_ms, status_code, failure, outcome,
    endpoint_id, request_id, answer_headers, answer_body
)
select id, delivery_id, epoch, number, started_at, duration_ms, status_code, failure, outcome,
    endpoint_id, request_id, answer_headers::jsonb, answer_body
from unnest(
    $1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::timestamptz[], $6::integer[], $7::integer[],
    $8::text[], $9::text[], $10::uuid[], $11::uuid[], $12::text[], $13::text[]
) as told (
    id, delivery_id, epoch, number, started_at, duration_ms, status_code, failure, outcome,
    endpoint_id, request_id, answer_headers, answer_body
)
on conflict (started_at, id) do nothing

-- name: note_requests
-- Notes what was sent, and that it was told on a day.
insert into sent_request (id, url, headers, payload, content_mode, seen_on)
select id, url, headers::jsonb, payload, content_mode, seen_on
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[])
    as told (id, url, headers, payload, content_mode, seen_on)
on conflict (id) do update set seen_on = excluded.seen_on where sent_request.seen_on < excluded.seen_on

-- name: forget_requests
-- Drops what was last told before a day.
delete from sent_request where seen_on < $1

-- name: find_delivery
-- One delivery. An event that was published twice may have left two rows of it.
select * from delivery where id = $1::uuid order by updated_at desc limit 1

-- name: attempts_of_delivery
-- The attempts of a delivery in the order in which they were made, and what was sent.
select attempt.*, sent.url as request_url, sent.headers as request_headers
from attempt
left join sent_request sent on sent.id = attempt.request_id
where attempt.delivery_id = $1::uuid
order by attempt.started_at, attempt.id

-- name: find_attempt
-- One attempt of a delivery, what was sent, where its event stands, and what nobody is shown of either body.
select attempt.*, sent.url as request_url, sent.headers as request_headers, sent.payload, sent.content_mode,
    delivery.event_id, delivery.event_type, delivery.event_topic, delivery.event_partition, delivery.event_offset,
    coalesce(endpoint.redacted, deleted.redacted, '{}') as redacted
from attempt
cross join lateral (
    select * from delivery where delivery.id = attempt.delivery_id order by updated_at desc limit 1
) delivery
left join sent_request sent on sent.id = attempt.request_id
left join endpoint on endpoint.id = delivery.endpoint_id
left join deleted_endpoint deleted on deleted.id = delivery.endpoint_id
where attempt.delivery_id = $1::uuid and attempt.id = $2::uuid

-- name: erase_answers
-- Erases what receivers answered to the attempts of a delivery.
update attempt set answer_headers = null, answer_body = null where delivery_id = $1::uuid

-- name: lock_days
-- Lets one writer at a time make and drop days.
select pg_advisory_xact_lock(hashtextextended('carewire days of the attempt log', 0))

-- name: make_days
-- Makes the partitions of some days of a table.
select make_day($1, day) from unnest($2::date[]) as day

-- name: drop_days
-- Drops what is older than a day; returns how many days of the table went.
select drop_days($1, $2)
