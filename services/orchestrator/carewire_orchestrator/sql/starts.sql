-- name: claim_start_keys
-- Claim the keys that nobody claimed before. Given sorted, so that two batches never wait for each other.
INSERT INTO start (start_key, body_digest, request_id, created_at)
SELECT start_key, body_digest, request_id, $4
FROM unnest($1::text[], $2::text[], $3::text[]) AS given (start_key, body_digest, request_id)
ON CONFLICT (start_key) DO NOTHING
RETURNING start_key;

-- name: first_calls
-- How the first calls of start keys ended.
SELECT start_key, body_digest, request_id, care_flow_id, patient_id, reason
FROM start
WHERE start_key = ANY ($1::text[]);

-- name: end_starts
-- Record how the first calls of this batch ended; later calls of the same key don't change that.
UPDATE start
SET care_flow_id = ended.care_flow_id, patient_id = ended.patient_id, reason = ended.reason
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS ended (start_key, request_id, care_flow_id, patient_id, reason)
WHERE start.start_key = ended.start_key
    AND start.request_id = ended.request_id
    AND start.care_flow_id IS NULL
    AND start.reason IS NULL;
