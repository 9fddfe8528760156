-- name: add_to_outbox
-- Adds records in the order of the arrays.
insert into outbox (topic, key, value, headers)
select topic, key, value, headers
from unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[])
    with ordinality as record (topic, key, value, headers, number)
order by number

-- name: next_of_outbox
-- Deletes what was published, by position and never by range: lower positions may be committed later. Answers the
-- oldest of the others; the caller holds the relay lock.
with published as (delete from outbox where position = any($1::bigint[]))
select position, topic, key, value, headers
from outbox
-- Not by a join with what was deleted, which would read a whole backlog each time: this walks the index to the limit.
where position not in (select unnest($1::bigint[]))
order by position
limit $2

-- name: delete_from_outbox
-- Deletes what was published, where nothing is to be read.
delete from outbox where position = any($1::bigint[])

-- name: try_relay_lock
-- Makes this connection the only publisher of its schema, if no other one is.
select pg_try_advisory_lock(hashtextextended($1, 0))

-- name: set_outbox_aside
-- Takes records out of the way that can never be published, and keeps them.
with taken as (
    delete from outbox where position = any($1::bigint[])
    returning position, topic, key, value, headers, created_at
)
insert into outbox_set_aside (position, topic, key, value, headers, created_at, reason)
select position, topic, key, value, headers, created_at, $2::text
from taken
