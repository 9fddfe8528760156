-- name: keep_heartbeat
-- Lets an endpoint that asked for heartbeats, or for other ones, have them: the first one is due at once.
insert into heartbeat (endpoint_id, next_at) values ($1::uuid, $2)
on conflict (endpoint_id) do update set next_at = least(heartbeat.next_at, excluded.next_at)

-- name: lock_heartbeats
-- Lets one writer at a time number what is handed out to some endpoints; those that have no heartbeats are left out.
select heartbeat.endpoint_id
from heartbeat
join endpoint on endpoint.id = heartbeat.endpoint_id
where heartbeat.endpoint_id = any($1::uuid[]) and endpoint.heartbeat_s is not null
order by heartbeat.endpoint_id
for update of heartbeat

-- name: number_handed_out
-- Gives what is handed out the next numbers of its endpoint, in the order in which it is told; what has one keeps it.
-- The heartbeats of the endpoints are locked.
with told as (
    select distinct on (endpoint_id, event_id) *
    from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
        with ordinality as given (endpoint_id, event_id, event_type, event_at, place)
    order by endpoint_id, event_id, place
), fresh as (
    select told.*, heartbeat.last_sequence
        + row_number() over (partition by told.endpoint_id order by told.place) as sequence
    from told
    join heartbeat using (endpoint_id)
    where not exists (
        select from handed_out known where known.endpoint_id = told.endpoint_id and known.event_id = told.event_id
    )
), added as (
    insert into handed_out (endpoint_id, sequence, event_id, event_type, event_at, noted_at)
    select endpoint_id, sequence, event_id, event_type, event_at, $5 from fresh
)
update heartbeat
set last_sequence = reached.sequence
from (select endpoint_id, max(sequence) as sequence from fresh group by endpoint_id) as reached
where heartbeat.endpoint_id = reached.endpoint_id

-- name: take_due_heartbeat
-- The endpoint whose heartbeat has been due for longest, and that nobody else is at. One that takes no events waits.
select heartbeat.endpoint_id, heartbeat.told_through, heartbeat.last_sequence, endpoint.heartbeat_s
from heartbeat
join endpoint on endpoint.id = heartbeat.endpoint_id
where heartbeat.next_at <= $1 and endpoint.heartbeat_s is not null and endpoint.enabled and not endpoint.paused
order by heartbeat.next_at
limit 1
for update of heartbeat skip locked

-- name: handed_out_after
-- What is to be told next, by number.
select sequence, event_id, event_type, event_at
from handed_out
where endpoint_id = $1::uuid and sequence > $2
order by sequence
limit $3

-- name: save_heartbeat
-- How far an endpoint was told, and when it is told again.
update heartbeat set told_through = $2, next_at = $3 where endpoint_id = $1::uuid

-- name: delete_handed_out
-- Forgets what was noted longest ago, before a moment.
delete from handed_out
where (endpoint_id, sequence) in (select endpoint_id, sequence from handed_out where noted_at < $1 order by noted_at limit $2)
