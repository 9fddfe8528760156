-- What a patient's first call said about them, sealed as one document; null where it said nothing.
ALTER TABLE patient ADD COLUMN sealed_profile text;

-- Why the first call of a key started nothing although it succeeded: its care flow is the one that was there already.
ALTER TABLE start ADD COLUMN skip_reason text;

-- Lock patients whom an enrolment guard asks about, and answer the care flow that speaks for each of them and each
-- definition: the newest active one, else the newest. Two batches may reach one patient by different identifiers, so
-- the locks of identifiers alone would let both start. Batches take these locks after all of those, and sorted.
-- It is volatile for the same reason as `take_starts`: care flows are read as of when all locks are held.
CREATE FUNCTION take_enrolments(locks bigint[], patient_ids text[], definition_ids text[])
RETURNS TABLE (patient text, definition text, care_flow text, is_active boolean)
LANGUAGE plpgsql
VOLATILE
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(lock) FROM unnest(locks) AS lock;

    RETURN QUERY
    SELECT DISTINCT ON (known.patient_id, known.definition_id)
        known.patient_id, known.definition_id, known.id, known.ended_at IS NULL
    FROM care_flow AS known
    WHERE known.patient_id = ANY (patient_ids) AND known.definition_id = ANY (definition_ids)
    ORDER BY
        known.patient_id, known.definition_id, known.ended_at IS NULL DESC, known.started_at DESC, known.id DESC;
END
$$;
