-- name: add_to_outbox
-- Adds rows of records in the order of the arrays.
insert into outbox (id, heads, bodies)
select id, heads, bodies
from unnest($1::text[], $2::text[], $3::bytea[]) with ordinality as row_of_records (id, heads, bodies, number)
order by number

-- name: next_of_outbox
-- Deletes what was published, by position and never by range: lower positions may be committed later. Answers the
-- oldest of the others, without the records of those that the caller has at hand; the caller holds the relay lock.
with published as (delete from outbox where position = any($1::bigint[]))
select
    position,
    id,
    case when id <> all($3::text[]) then heads end as heads,
    case when id <> all($3::text[]) then bodies end as bodies
from outbox
-- Not by a join with what was deleted, which would read a whole backlog each time: this walks the index to the limit.
where position not in (select unnest($1::bigint[]))
order by position
limit $2

-- name: delete_from_outbox
-- Deletes what was published, where nothing is to be read.
delete from outbox where position = any($1::bigint[])

-- name: leave_in_outbox
-- Leaves of a row what is still to be published, as a row that nobody has at hand.
update outbox set id = gen_random_uuid()::text, heads = $2, bodies = $3 where position = $1

-- name: try_relay_lock
-- Makes this connection the only publisher of its schema, if no other one is.
select pg_try_advisory_lock(hashtextextended($1, 0))

-- name: wake_relay
-- Wakes the publisher of a schema, whichever process it is.
select pg_notify($1, '')

-- name: set_outbox_aside
-- Keeps a record of a row that can never be published; it has still to be taken from the row.
insert into outbox_set_aside (position, topic, key, value, headers, created_at, reason)
select position, $2::text, $3::bytea, $4::bytea, $5::text, created_at, $6::text
from outbox
where position = $1
