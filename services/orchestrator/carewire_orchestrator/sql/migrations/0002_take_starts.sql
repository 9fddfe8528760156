-- What a batch of requests begins with, in one round trip: claim start keys, lock identifiers, see who has them.
-- Keys and locks are given sorted, so that two batches wait for each other at most once, and never in a circle.
-- It is volatile, so each statement sees what was committed until it began: the owners are read as of when all
-- locks are held, and not as of when the wait for them began.
-- A claimed row says at once what nearly always comes of it: `correct_starts` changes the others.
CREATE FUNCTION take_starts(
    start_keys text[],
    body_digests text[],
    request_ids text[],
    care_flow_ids text[],
    patient_ids text[],
    taken_at timestamptz,
    locks bigint[],
    systems text[],
    fingerprints bytea[]
)
RETURNS TABLE (claimed text, known_system text, known_fingerprint bytea, owner text)
LANGUAGE plpgsql
VOLATILE
AS $$
BEGIN
    RETURN QUERY
    INSERT INTO start (start_key, body_digest, request_id, care_flow_id, patient_id, created_at)
    SELECT given.start_key, given.body_digest, given.request_id, given.care_flow_id, given.patient_id, taken_at
    FROM unnest(start_keys, body_digests, request_ids, care_flow_ids, patient_ids)
        AS given (start_key, body_digest, request_id, care_flow_id, patient_id)
    ON CONFLICT (start_key) DO NOTHING
    RETURNING start.start_key, NULL::text, NULL::bytea, NULL::text;

    PERFORM pg_advisory_xact_lock(lock) FROM unnest(locks) AS lock;

    RETURN QUERY
    SELECT NULL::text, known.system, known.fingerprint, known.patient_id
    FROM patient_identifier AS known
    JOIN unnest(systems, fingerprints) AS given (system, fingerprint)
        ON known.system = given.system AND known.fingerprint = given.fingerprint;
END
$$;
