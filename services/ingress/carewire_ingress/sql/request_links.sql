-- name: add_request_reasons
-- Adds the codes of reasons of requests, each with its webhook; what is there already stays.
INSERT INTO request_reason (request_id, reason, webhook_id)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[])
ON CONFLICT DO NOTHING;

-- name: add_request_resubmissions
-- Adds which requests are those of others sent again; what is there already stays.
INSERT INTO request_resubmission (request_id, resubmission_of)
SELECT * FROM unnest($1::uuid[], $2::uuid[])
ON CONFLICT DO NOTHING;

-- name: add_request_start_keys
-- Adds the start keys of calls that were rejected or failed; what is there already stays.
INSERT INTO request_start_key (request_id, start_key)
SELECT * FROM unnest($1::uuid[], $2::uuid[])
ON CONFLICT DO NOTHING;
