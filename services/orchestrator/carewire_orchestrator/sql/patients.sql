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

-- name: patient
-- One patient.
SELECT id, sealed_profile, created_at FROM patient WHERE id = $1;
