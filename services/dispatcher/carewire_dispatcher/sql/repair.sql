-- name: add_repair
-- A new repair, and when it begins.
insert into repair (
    id, kind, which, endpoint_id, care_flow_id, delivery_id, event_from, event_to, total, progress,
    next_step_at, created_by, created_at, request_key
)
values ($1::uuid, $2, $3, $4::uuid, $5::uuid, $6::uuid, $7, $8, $9, $10, $11, $12, $13, $14)
returning *

-- name: find_repair
-- One repair.
select * from repair where id = $1::uuid

-- name: find_repair_by_request
-- The repair that a call under a key has asked for before.
select * from repair where request_key = $1

-- name: cancel_repair
-- Ends a repair that has not ended; what it has written is on its way.
update repair set state = 'cancelled', ended_at = $2
where id = $1::uuid and state in ('waiting', 'running')
returning *

-- name: take_due_repair
-- The repair whose next step has been due for longest, and that nobody else is at. Locked until the step is done.
select * from repair
where state in ('waiting', 'running') and next_step_at <= $1
order by next_step_at
limit 1
for update skip locked

-- name: next_repair_step
-- When the next step of any repair is due.
select min(next_step_at) from repair where state in ('waiting', 'running')

-- name: save_repair_step
-- How far a repair has come with a step.
update repair
set state = $2, reason = $3, epoch = $4, looked_at = $5, taken = $6, skipped = $7, unreadable = $8, progress = $9,
    claims = $10, next_step_at = $11, ended_at = $12
where id = $1::uuid

-- name: next_repair_epoch
-- The epoch of another look.
select nextval('repair_epoch')::integer

-- name: put_repair_off
-- Lets all others go first.
update repair set next_step_at = $2 where id = $1::uuid and state in ('waiting', 'running')

-- name: stop_repair
-- Ends a repair that cannot go on.
update repair set state = 'stopped', reason = $2, ended_at = $3
where id = $1::uuid and state in ('waiting', 'running')

-- name: withdraw_claims
-- Repairs that ended so long ago that nothing of what they superseded can be on its way any more.
update repair set claims = false where claims and ended_at < $1 returning id

-- name: known_deliveries
-- What the log knows of some deliveries, of which the events came between two moments. An event that was published
-- twice may have left two rows.
select distinct on (id) id, status, epoch, attempts
from delivery
where id = any($1::uuid[]) and event_at between $2 and $3
order by id, epoch desc, updated_at desc

-- name: delete_repairs
-- Forgets what ended, the oldest before an id, some at a time. What still claims something stays.
delete from repair
where id in (
    select id from repair
    where id < $1::uuid and state in ('done', 'cancelled', 'stopped') and not claims
    order by id
    limit $2
)

-- name: take_turn
-- Whether nobody else takes deliveries of an endpoint, or of any, until the end of the transaction. Rows that one repair
-- has read are what it takes: read by two, they would be sent twice.
select case
    when $1::text is null then pg_try_advisory_xact_lock(hashtextextended('carewire repairs', 0))
    else pg_try_advisory_xact_lock_shared(hashtextextended('carewire repairs', 0))
        and pg_try_advisory_xact_lock(hashtextextended('carewire repairs of ' || $1::text, 0))
end

-- name: open_without_resume
-- Those of some endpoints that take events, and have no resume that is yet to find where the log ends. One whose step is
-- not committed may have found it already, and says so only then.
select endpoint.id
from endpoint
where endpoint.id = any($1::uuid[]) and endpoint.enabled and not endpoint.paused
    and endpoint.id not in (
        select coming.endpoint_id
        from (
            select repair.endpoint_id
            from repair
            where repair.endpoint_id = any($1::uuid[]) and repair.kind = 'resume'
                and repair.state in ('waiting', 'running') and repair.progress -> 'ends' = 'null'
            for share skip locked
        ) as coming
    )
order by endpoint.id
