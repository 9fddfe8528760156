-- name: take_starts
-- Claim the keys that nobody claimed before, lock identifiers, and answer who has them (migration 0002).
SELECT claimed, known_system, known_fingerprint, owner
FROM take_starts(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz, $7::bigint[], $8::text[], $9::bytea[]
);

-- name: take_enrolments
-- Lock patients whom enrolment guards ask about, and answer what they have (migration 0003).
SELECT patient, definition, care_flow, is_active FROM take_enrolments($1::bigint[], $2::text[], $3::text[]);

-- name: first_calls
-- How the first calls of start keys ended.
SELECT start_key, body_digest, request_id, care_flow_id, patient_id, reason, skip_reason
FROM start
WHERE start_key = ANY ($1::text[]);

-- name: correct_starts
-- Record how first calls of this batch ended otherwise than their claim says: for a known patient, as the
-- care flow that an enrolment guard found, or not at all.
-- The care flow's id is of this very attempt, so a later call of the same key changes nothing.
UPDATE start
SET
    care_flow_id = ended.care_flow_id,
    patient_id = ended.patient_id,
    reason = ended.reason,
    skip_reason = ended.skip_reason
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS ended (start_key, claimed_care_flow_id, care_flow_id, patient_id, reason, skip_reason)
WHERE start.start_key = ended.start_key AND start.care_flow_id = ended.claimed_care_flow_id;
