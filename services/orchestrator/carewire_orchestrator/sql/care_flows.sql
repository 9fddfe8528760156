-- name: add_care_flows
-- Insert care flows that have just been started, with their activities, collected values and the first entry of their
-- timelines, after the patients who are new with them and the identifiers that nobody had; and what is told of all that,
-- as the runtime's `add_to_outbox` does: a round trip of its own would cost a lone start more than the writing.
WITH
created AS (
    INSERT INTO patient (id, sealed_profile, created_at)
    SELECT id, sealed_profile, $29 FROM unnest($22::text[], $23::text[]) AS given (id, sealed_profile)
),
identified AS (
    INSERT INTO patient_identifier (system, fingerprint, patient_id, sealed_value, fingerprint_key_id, created_at)
    SELECT system, fingerprint, patient_id, sealed_value, $28, $29
    FROM unnest($24::text[], $25::bytea[], $26::text[], $27::text[])
        AS given (system, fingerprint, patient_id, sealed_value)
),
started AS (
    INSERT INTO care_flow (id, patient_id, definition_id, release_id, status, document, started_at, ended_at)
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[]
    )
),
begun AS (
    INSERT INTO activity (id, care_flow_id, kind, status, created_at, ended_at, stakeholders)
    SELECT id, care_flow_id, kind, status, created_at, ended_at, string_to_array(stakeholders, ' ')
    FROM unnest(
        $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[], $15::text[]
    ) AS given (id, care_flow_id, kind, status, created_at, ended_at, stakeholders)
),
changed AS (
    INSERT INTO care_flow_change
        (care_flow_id, happened_at, what, cause_kind, cause_id, cause_name, first_sequence, events)
    SELECT care_flow_id, $29, $35, cause_kind, cause_id, cause_name, 1, events
    FROM unnest($30::text[], $31::text[], $32::text[], $33::text[], $34::text[])
        AS given (care_flow_id, cause_kind, cause_id, cause_name, events)
),
told AS (
    INSERT INTO outbox (id, heads, bodies)
    SELECT id, heads, bodies
    FROM unnest($36::text[], $37::text[], $38::bytea[]) WITH ORDINALITY AS given (id, heads, bodies, number)
    ORDER BY number
)
INSERT INTO data_point (id, care_flow_id, definition_id, value_type, value, collected_at)
SELECT * FROM unnest($16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::timestamptz[]);

-- name: lock_care_flow
-- The state of a care flow, which nobody else changes until this transaction has ended.
SELECT document FROM care_flow WHERE id = $1 FOR UPDATE;

-- name: take_care_flow
-- The state of a care flow, which nobody else changes until this transaction has ended, with the sealed identifiers of
-- its patient, and whether any of its sessions is active (migration 0009).
SELECT state, systems, sealed_values, has_sessions FROM take_care_flow($1);

-- name: save_care_flow
-- The state of a locked care flow after an event.
UPDATE care_flow SET status = $2, document = $3, ended_at = $4 WHERE id = $1;

-- name: save_changes
-- What changes of care flows brought about: the activities that are new or have changed, the values that were
-- collected, and what their timelines say, in the order given.
WITH
moved AS (
    INSERT INTO activity (id, care_flow_id, kind, status, created_at, ended_at, stakeholders)
    SELECT id, care_flow_id, kind, status, created_at, ended_at, string_to_array(stakeholders, ' ')
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[])
        AS given (id, care_flow_id, kind, status, created_at, ended_at, stakeholders)
    ON CONFLICT (id) DO UPDATE
    SET status = excluded.status, ended_at = excluded.ended_at, stakeholders = excluded.stakeholders
),
collected AS (
    INSERT INTO data_point (id, care_flow_id, definition_id, value_type, value, collected_at)
    SELECT * FROM unnest($8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[])
)
INSERT INTO care_flow_change
    (care_flow_id, happened_at, what, cause_kind, cause_id, cause_name, first_sequence, events)
SELECT care_flow_id, happened_at, what, cause_kind, cause_id, cause_name, first_sequence, events
FROM unnest(
    $14::text[], $15::timestamptz[], $16::text[], $17::text[], $18::text[], $19::text[], $20::bigint[], $21::text[]
) WITH ORDINALITY AS given
    (care_flow_id, happened_at, what, cause_kind, cause_id, cause_name, first_sequence, events, number)
ORDER BY number;

-- name: care_flow
-- The state of a care flow.
SELECT document FROM care_flow WHERE id = $1;

-- name: care_flows_of_patient
-- A page of a patient's care flows, newest first, also by the id of one who was merged into them; $2 is the last id of the page before, or null.
SELECT id, patient_id, definition_id, release_id, status, started_at, ended_at
FROM care_flow
WHERE patient_id = surviving_patient($1) AND ($2::text IS NULL OR id < $2)
ORDER BY id DESC
LIMIT $3;

-- name: care_flows
-- A page of all care flows, newest first; $1 is the last id of the page before, or null.
SELECT id, patient_id, definition_id, release_id, status, started_at, ended_at
FROM care_flow
WHERE $1::text IS NULL OR id < $1
ORDER BY id DESC
LIMIT $2;

-- name: care_flow_of_activity
-- The care flow that an activity belongs to.
SELECT care_flow_id FROM activity WHERE id = $1;

-- name: data_points
-- Every value that a care flow collected, oldest first.
SELECT id, definition_id, value_type, value, collected_at
FROM data_point
WHERE care_flow_id = $1
ORDER BY collected_at, id;
