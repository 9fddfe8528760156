-- name: oldest_requests_end
-- The last id of the oldest $2 requests before an id ($1); null where there are none.
SELECT id::text FROM (SELECT id FROM request WHERE id < $1 ORDER BY id LIMIT $2) AS oldest ORDER BY id DESC LIMIT 1;

-- name: delete_requests
-- Deletes the requests up to an id.
DELETE FROM request WHERE id <= $1;

-- name: delete_request_statuses
-- Deletes the times of the statuses of requests up to an id.
DELETE FROM request_status WHERE request_id <= $1;

-- name: delete_request_reasons
-- Deletes the reasons of requests up to an id.
DELETE FROM request_reason WHERE request_id <= $1;

-- name: delete_request_resubmissions
-- Deletes what requests up to an id are resubmissions of.
DELETE FROM request_resubmission WHERE request_id <= $1;

-- name: delete_request_start_keys
-- Deletes the start keys of requests up to an id.
DELETE FROM request_start_key WHERE request_id <= $1;
