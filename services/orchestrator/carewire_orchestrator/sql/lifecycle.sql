-- name: changes
-- A page of what happened to a care flow, oldest first, after a position.
SELECT position, happened_at, what, cause_kind, cause_id, cause_name, first_sequence, events
FROM care_flow_change
WHERE care_flow_id = $1 AND position > $2
ORDER BY position
LIMIT $3;

-- name: delete_care_flow
-- Delete a locked care flow with all that belongs to it.
DELETE FROM care_flow WHERE id = $1;

-- name: latest_data_points
-- The last value of each data point of a care flow, in the order in which they came.
SELECT id, definition_id, value_type, value, collected_at
FROM (
    SELECT DISTINCT ON (definition_id) id, definition_id, value_type, value, collected_at
    FROM data_point
    WHERE care_flow_id = $1
    ORDER BY definition_id, collected_at DESC, id DESC
) AS latest
ORDER BY collected_at, id;

-- name: documents_of_care_flows
-- The states of some care flows.
SELECT id, document FROM care_flow WHERE id = ANY ($1::text[]);

-- name: is_activity
-- Whether there is such an activity.
SELECT EXISTS (SELECT 1 FROM activity WHERE id = $1);

-- name: add_session
-- A session that begins.
INSERT INTO session
    (id, token_digest, care_flow_id, stakeholder_type, stakeholder_id, status, created_at, expires_at,
     success_url, cancel_url)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: put_session
-- What has become of a session of a care flow whose row is locked.
UPDATE session SET status = $2, expires_at = $3, ended_at = $4 WHERE id = $1;

-- name: session
-- A session by id.
SELECT id, care_flow_id, stakeholder_type, stakeholder_id, status, created_at, expires_at, ended_at, success_url,
    cancel_url
FROM session
WHERE id = $1;

-- name: session_of_token
-- A session by the digest of its token.
SELECT id, care_flow_id, stakeholder_type, stakeholder_id, status, created_at, expires_at, ended_at, success_url,
    cancel_url
FROM session
WHERE token_digest = $1;

-- name: active_sessions
-- Sessions of locked care flows that have not ended, oldest first.
SELECT id, care_flow_id, stakeholder_type, stakeholder_id, status, created_at, expires_at, ended_at, success_url,
    cancel_url
FROM session
WHERE care_flow_id = ANY ($1::text[]) AND status = 'active'
ORDER BY id;

-- name: sessions_to_expire
-- Care flows with sessions whose time is over.
SELECT DISTINCT care_flow_id FROM session WHERE status = 'active' AND expires_at <= $1 LIMIT $2;

-- name: add_api_call
-- A call to be made; a retry of its activity is an activity of its own.
INSERT INTO api_call (activity_id, care_flow_id, request, due_at) VALUES ($1, $2, $3, $4);

-- name: delete_api_calls
-- Calls of activities that have ended are not made any more.
DELETE FROM api_call WHERE activity_id = ANY ($1::text[]);

-- name: take_api_calls
-- Take calls that are due, each for the time of a lease: nobody else takes them until $2. Paused care flows wait.
WITH due AS (
    SELECT api_call.activity_id
    FROM api_call
    JOIN care_flow ON care_flow.id = api_call.care_flow_id AND care_flow.status = 'active'
    WHERE api_call.due_at <= $1
    ORDER BY api_call.due_at
    LIMIT $3
    FOR UPDATE OF api_call SKIP LOCKED
)
UPDATE api_call SET due_at = $2, attempts = attempts + 1
FROM due
WHERE api_call.activity_id = due.activity_id
RETURNING api_call.activity_id, api_call.care_flow_id, api_call.request, api_call.attempts;

-- name: put_off_api_call
-- Have a call be made at another moment, unless somebody else has taken it since.
UPDATE api_call SET due_at = $3 WHERE activity_id = $1 AND attempts = $2;

-- name: is_own_api_call
-- Whether a call of a locked care flow is still the one that was taken: nobody took it since, nor has it ended.
SELECT EXISTS (SELECT 1 FROM api_call WHERE activity_id = $1 AND attempts = $2);
