-- name: upsert_requests
-- Adds what a batch knows of its requests. The higher status rank stays; what is known is never overwritten.
INSERT INTO request AS known
    (id, webhook_id, definition_id, status, status_rank, received_at, reasons, data_points, content_type, payload,
     care_flow_id, patient_id, duplicate_of, failure_reason, failure_message, headers, filter, skip_reason)
SELECT id, webhook_id, definition_id, status, status_rank, received_at, reasons::jsonb, data_points::jsonb,
       content_type, payload, care_flow_id, patient_id, duplicate_of, failure_reason, failure_message,
       headers::jsonb, filter::jsonb, skip_reason
FROM unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::smallint[], $6::timestamptz[], $7::text[], $8::text[],
    $9::text[], $10::bytea[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
    $16::text[], $17::text[], $18::text[])
    AS entry (id, webhook_id, definition_id, status, status_rank, received_at, reasons, data_points,
              content_type, payload, care_flow_id, patient_id, duplicate_of, failure_reason, failure_message,
              headers, filter, skip_reason)
ON CONFLICT (id) DO UPDATE SET
    status = CASE WHEN excluded.status_rank > known.status_rank THEN excluded.status ELSE known.status END,
    status_rank = greatest(known.status_rank, excluded.status_rank),
    received_at = coalesce(known.received_at, excluded.received_at),
    reasons = coalesce(known.reasons, excluded.reasons),
    data_points = coalesce(known.data_points, excluded.data_points),
    content_type = coalesce(known.content_type, excluded.content_type),
    payload = coalesce(known.payload, excluded.payload),
    care_flow_id = coalesce(known.care_flow_id, excluded.care_flow_id),
    patient_id = coalesce(known.patient_id, excluded.patient_id),
    duplicate_of = coalesce(known.duplicate_of, excluded.duplicate_of),
    failure_reason = coalesce(known.failure_reason, excluded.failure_reason),
    failure_message = coalesce(known.failure_message, excluded.failure_message),
    headers = coalesce(known.headers, excluded.headers),
    filter = coalesce(known.filter, excluded.filter),
    skip_reason = coalesce(known.skip_reason, excluded.skip_reason);

-- name: upsert_statuses
-- Adds the times at which statuses were reached; of several the earliest stays.
INSERT INTO request_status AS known (request_id, status, reached_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[])
ON CONFLICT (request_id, status) DO UPDATE SET reached_at = least(known.reached_at, excluded.reached_at);
