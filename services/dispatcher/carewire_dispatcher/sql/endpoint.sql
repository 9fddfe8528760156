-- name: add_endpoint
-- A new endpoint.
insert into endpoint (
    id, name, url, event_types, definition_ids, enabled, concurrency, timeout_s, headers, secrets, rate_per_s
)
values ($1::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
returning *

-- name: find_endpoint
-- One endpoint.
select * from endpoint where id = $1::uuid

-- name: lock_endpoint
-- One endpoint, for a change of it: changes of one endpoint are published in the order of their commits.
select * from endpoint where id = $1::uuid for update

-- name: change_endpoint
-- Replaces all that can be changed of an endpoint.
update endpoint
set name = $2, url = $3, event_types = $4, definition_ids = $5, enabled = $6, concurrency = $7, timeout_s = $8,
    headers = $9, secrets = $10, rate_per_s = $11, updated_at = now()
where id = $1::uuid
returning *

-- name: delete_endpoint
-- Removes an endpoint; returns its id if it was there.
delete from endpoint where id = $1::uuid returning id

-- name: list_endpoints
-- A page of endpoints in the order of their creation (ids are uuid7).
select * from endpoint where id > $1::uuid order by id limit $2
