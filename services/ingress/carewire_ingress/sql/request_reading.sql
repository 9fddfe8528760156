-- name: get_requests
-- Everything known of some requests but their payloads, with what their webhooks say now; newest first.
SELECT r.id, r.webhook_id, r.definition_id, r.status, r.received_at, r.reasons, r.data_points, r.content_type,
       r.care_flow_id, r.patient_id, r.duplicate_of, r.failure_reason, r.failure_message,
       r.headers, r.filter, r.skip_reason,
       r.payload IS NOT NULL AS payload_kept,
       w.name AS webhook_name, w.configuration -> 'redacted' AS redacted, w.configuration -> 'mapping' AS mapping,
       (SELECT resubmission_of::text FROM request_resubmission WHERE request_id = r.id) AS resubmission_of,
       ARRAY(
           SELECT request_id::text FROM request_resubmission WHERE resubmission_of = r.id ORDER BY request_id
       ) AS resubmitted_as,
       (
           SELECT jsonb_object_agg(s.status, s.reached_at) FROM request_status s WHERE s.request_id = r.id
       ) AS reached
FROM request r
LEFT JOIN incoming_webhook w ON w.id = r.webhook_id
WHERE r.id = any($1::uuid[])
ORDER BY r.id DESC;

-- name: get_payloads
-- The payloads of some requests, where they were kept.
SELECT id::text, payload FROM request WHERE id = any($1::uuid[]) AND payload IS NOT NULL;

-- name: get_resubmission_line
-- A request, the one that it is the resubmission of, and so on to the call of a third party. An original is always
-- older than its resubmission, so this ends.
WITH RECURSIVE line (id, depth) AS (
    SELECT $1::uuid, 0
    UNION ALL
    SELECT link.resubmission_of, line.depth + 1
    FROM line
    JOIN request_resubmission link ON link.request_id = line.id AND link.resubmission_of < line.id
)
SELECT line.id::text, r.status, r.failure_reason, key.start_key::text
FROM line
LEFT JOIN request r ON r.id = line.id
LEFT JOIN request_start_key key ON key.request_id = line.id
ORDER BY line.depth;
