-- name: lock_identifiers
-- Let no other transaction look these identifiers up until this one has ended. Given sorted.
SELECT pg_advisory_xact_lock(lock) FROM unnest($1::bigint[]) AS lock;

-- name: owners_of_identifiers
-- Who has which of these identifiers.
SELECT patient_identifier.system, patient_identifier.fingerprint, patient_identifier.patient_id
FROM patient_identifier
JOIN unnest($1::text[], $2::bytea[]) AS given (system, fingerprint)
    ON patient_identifier.system = given.system AND patient_identifier.fingerprint = given.fingerprint;

-- name: add_identifiers
-- Give known patients identifiers that nobody had.
INSERT INTO patient_identifier (system, fingerprint, patient_id, sealed_value, fingerprint_key_id, created_at)
SELECT system, fingerprint, patient_id, sealed_value, $5, $6
FROM unnest($1::text[], $2::bytea[], $3::text[], $4::text[]) AS given (system, fingerprint, patient_id, sealed_value);

-- name: identifiers_of_patients
-- All identifiers of these patients, sealed, oldest first.
SELECT patient_id, system, sealed_value
FROM patient_identifier
WHERE patient_id = ANY ($1::text[])
ORDER BY created_at, system, sealed_value;

-- name: identifiers_and_profiles
-- All identifiers of these patients with what is known of each patient, sealed, oldest first.
SELECT patient_id, system, sealed_value, sealed_profile
FROM patient_identifier
JOIN patient ON patient.id = patient_identifier.patient_id
WHERE patient_id = ANY ($1::text[])
ORDER BY patient_identifier.created_at, system, sealed_value;

-- name: surviving_patients
-- Who these patients are after all merges; null for an id that nobody has.
SELECT given, surviving_patient(given) AS id FROM unnest($1::text[]) AS given;

-- name: hold_patient
-- A patient, who is neither merged nor deleted until this transaction has ended.
SELECT merged_into, deleted_at FROM patient WHERE id = $1 FOR SHARE;

-- name: lock_patients
-- Patients whom nobody else changes until this transaction has ended, locked in one order.
SELECT id, sealed_profile, created_at, merged_into, deleted_at, erase_after
FROM patient
WHERE id = ANY ($1::text[])
ORDER BY id
FOR NO KEY UPDATE;

-- name: fingerprints_of_patients
-- All identifiers of these patients, those that were detached by a deletion as well.
SELECT system, fingerprint FROM patient_identifier WHERE patient_id = ANY ($1::text[])
UNION ALL
SELECT system, fingerprint FROM detached_identifier WHERE patient_id = ANY ($1::text[]);

-- name: all_identifiers_of_patients
-- All identifiers of these patients, sealed, oldest first; those that were detached by a deletion as well.
SELECT patient_id, system, fingerprint, sealed_value, created_at
FROM patient_identifier
WHERE patient_id = ANY ($1::text[])
UNION ALL
SELECT patient_id, system, fingerprint, sealed_value, created_at
FROM detached_identifier
WHERE patient_id = ANY ($1::text[])
ORDER BY created_at, system, sealed_value;

-- name: add_patient
-- Insert a patient.
INSERT INTO patient (id, sealed_profile, created_at) VALUES ($1, $2, $3);

-- name: save_profile
-- What is known of a patient now.
UPDATE patient SET sealed_profile = $2 WHERE id = $1;

-- name: profiles_of_patients
-- What is known of these patients, sealed.
SELECT id, sealed_profile FROM patient WHERE id = ANY ($1::text[]);

-- name: remove_identifiers
-- Take identifiers away from whoever has them. They are locked.
DELETE FROM patient_identifier
USING unnest($1::text[], $2::bytea[]) AS given (system, fingerprint)
WHERE patient_identifier.system = given.system AND patient_identifier.fingerprint = given.fingerprint;

-- name: remove_search_keys
-- Let nobody find these patients by what is known of them.
DELETE FROM patient_search_key WHERE patient_id = ANY ($1::text[]);

-- name: add_search_keys
-- Let patients be found by what is known of them.
INSERT INTO patient_search_key (kind, fingerprint, patient_id)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[]);

-- name: patients_by_search_key
-- A page of patients who have a search key, newest first; $3 is the last id of the page before, or null.
SELECT patient.id
FROM patient_search_key AS key
JOIN patient ON patient.id = key.patient_id
WHERE key.kind = $1 AND key.fingerprint = $2 AND patient.deleted_at IS NULL AND ($3::text IS NULL OR patient.id < $3)
ORDER BY patient.id DESC
LIMIT $4;

-- name: patients
-- A page of patients, newest first; $1 is the last id of the page before, or null.
SELECT id
FROM patient
WHERE merged_into IS NULL AND deleted_at IS NULL AND ($1::text IS NULL OR id < $1)
ORDER BY id DESC
LIMIT $2;

-- name: deleted_patients
-- A page of patients who can be restored, newest first; $1 is the last id of the page before, or null.
SELECT id, created_at, deleted_at, erase_after
FROM patient
WHERE deleted_at IS NOT NULL AND ($1::text IS NULL OR id < $1)
ORDER BY id DESC
LIMIT $2;

-- name: whole_patients
-- These patients as they stand.
SELECT id, sealed_profile, created_at, merged_into, deleted_at, erase_after
FROM patient
WHERE id = ANY ($1::text[]);

-- name: point_to_survivor
-- What is left of a merged patient: a pointer.
UPDATE patient SET merged_into = $2, sealed_profile = NULL WHERE id = $1;

-- name: lock_care_flows_of_patient
-- The states of a patient's care flows, which nobody else changes until this transaction has ended, in one order.
SELECT id, document FROM care_flow WHERE patient_id = $1 ORDER BY id FOR UPDATE;

-- name: give_care_flow
-- Make a care flow another patient's.
UPDATE care_flow SET patient_id = $2, document = $3 WHERE id = $1;

-- name: give_sessions
-- Make the patient's sessions of care flows, whose rows are locked, another patient's.
UPDATE session SET stakeholder_id = $2 WHERE care_flow_id = ANY ($1::text[]) AND stakeholder_type = 'patient';

-- name: active_care_flows
-- Care flows of a patient that have not ended.
SELECT id FROM care_flow WHERE patient_id = $1 AND ended_at IS NULL ORDER BY id;

-- name: delete_patient
-- Have nobody find a patient, and erase them after a while; their identifiers are free for others.
WITH
gone AS (
    DELETE FROM patient_identifier WHERE patient_id = $1
    RETURNING patient_id, system, fingerprint, sealed_value, fingerprint_key_id, created_at
),
kept AS (
    INSERT INTO detached_identifier (patient_id, system, fingerprint, sealed_value, fingerprint_key_id, created_at)
    SELECT patient_id, system, fingerprint, sealed_value, fingerprint_key_id, created_at FROM gone
)
UPDATE patient SET deleted_at = $2, erase_after = $3 WHERE id = $1;

-- name: restore_patient
-- Bring a deleted patient back with those of their identifiers that nobody has now; the others are dropped.
WITH
back AS (
    DELETE FROM detached_identifier WHERE patient_id = $1
    RETURNING patient_id, system, fingerprint, sealed_value, fingerprint_key_id, created_at
),
attached AS (
    INSERT INTO patient_identifier (patient_id, system, fingerprint, sealed_value, fingerprint_key_id, created_at)
    SELECT patient_id, system, fingerprint, sealed_value, fingerprint_key_id, created_at FROM back
    ON CONFLICT (system, fingerprint) DO NOTHING
)
UPDATE patient SET deleted_at = NULL, erase_after = NULL WHERE id = $1;

-- name: claim_erasures
-- Patients whose time has come, oldest first, whom nobody else erases.
SELECT id FROM patient WHERE erase_after <= $1 ORDER BY erase_after LIMIT $2 FOR UPDATE SKIP LOCKED;

-- name: merged_into_patients
-- Everybody who is one of these patients by some merges, and they themselves.
WITH RECURSIVE line AS (
    SELECT id FROM patient WHERE id = ANY ($1::text[])
    UNION ALL
    SELECT patient.id FROM line JOIN patient ON patient.merged_into = line.id
)
SELECT id FROM line;

-- name: erase_care_flows
-- Delete all care flows of these patients, with their activities, data points and whatever else belongs to them.
DELETE FROM care_flow WHERE patient_id = ANY ($1::text[]);

-- name: erase_unpublished
-- Delete what was told of these patients and never could be published.
DELETE FROM outbox_set_aside WHERE topic = $1 AND key = ANY ($2::bytea[]);

-- name: erase_patients
-- Delete patients, with their identifiers, search keys and pointers.
DELETE FROM patient WHERE id = ANY ($1::text[]);
