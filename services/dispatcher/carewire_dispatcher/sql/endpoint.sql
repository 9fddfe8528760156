-- name: add_endpoint
-- A new endpoint; parameters stand in the order of the fields of EndpointRecord.
insert into endpoint (
    id, name, url, event_types, definition_ids, enabled, concurrency, timeout_s, headers, secrets, rate_per_s,
    filter, paused, disabled_because, payload, content_mode, signing, old_secret_until, ed25519_keys,
    old_ed25519_key_until, rsa_key, retry_offsets_s, terminal_statuses, shards, heartbeat_s, judged_from,
    redacted
)
values (
    $1::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
    $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27
)
returning *

-- name: find_endpoint
-- One endpoint.
select * from endpoint where id = $1::uuid

-- name: lock_endpoint
-- One endpoint, for a change of it: changes of one endpoint are published in the order of their commits.
select * from endpoint where id = $1::uuid for update

-- name: change_endpoint
-- Replaces all that can be changed of an endpoint; parameters stand in the order of the fields of EndpointRecord.
update endpoint
set (
    name, url, event_types, definition_ids, enabled, concurrency, timeout_s, headers, secrets, rate_per_s,
    filter, paused, disabled_because, payload, content_mode, signing, old_secret_until, ed25519_keys,
    old_ed25519_key_until, rsa_key, retry_offsets_s, terminal_statuses, shards, heartbeat_s, judged_from,
    redacted
) = (
    $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
    $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27
), updated_at = now()
where id = $1::uuid
returning *

-- name: delete_endpoint
-- Removes an endpoint but for what nobody is shown of its log; returns its id if it was there.
with gone as (
    delete from endpoint where id = $1::uuid returning id, redacted
), still_redacted as (
    insert into deleted_endpoint select id, redacted from gone where cardinality(redacted) > 0
)
select id from gone

-- name: list_endpoints
-- A page of endpoints in the order of their creation (ids are uuid7).
select * from endpoint where id > $1::uuid order by id limit $2
