-- name: set_timers
-- Set timers, or set them to other moments.
INSERT INTO timer (care_flow_id, id, due_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
ON CONFLICT (care_flow_id, id) DO UPDATE SET due_at = excluded.due_at;

-- name: cancel_timer
-- Forget a timer; one that is due already may be gone.
DELETE FROM timer WHERE care_flow_id = $1 AND id = $2;

-- name: next_timer_due
-- When the first timer is due.
SELECT min(due_at) FROM timer;

-- name: lock_due_timers
-- The timers that are due first, with the state of their care flows, which nobody else changes until this transaction
-- has ended. Care flows that somebody changes right now are left for the next time, so that two processes share the
-- work, and nobody waits for another while holding a timer.
SELECT timer.id, timer.care_flow_id, timer.due_at, care_flow.document
FROM timer
JOIN care_flow ON care_flow.id = timer.care_flow_id
WHERE timer.due_at <= $1
ORDER BY timer.due_at, timer.id
LIMIT $2
FOR UPDATE OF care_flow SKIP LOCKED;

-- name: take_timer
-- Forget a timer that has been said. One that was set to a later moment meanwhile stays.
DELETE FROM timer WHERE care_flow_id = $1 AND id = $2 AND due_at <= $3;
