-- What a change of a care flow begins with, in one round trip: lock it, read it, and read what is told with it.
-- It is volatile, so each statement sees what was committed until it began: identifiers are read as of when the lock is
-- held, and not as of when the wait for it began.
CREATE FUNCTION take_care_flow(wanted text)
RETURNS TABLE (state text, systems text[], sealed_values text[], has_sessions boolean)
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    taken record;
BEGIN
    SELECT care_flow.document, care_flow.patient_id INTO taken FROM care_flow WHERE care_flow.id = wanted FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    RETURN QUERY
    SELECT
        taken.document,
        array_agg(known.system ORDER BY known.created_at, known.system, known.sealed_value),
        array_agg(known.sealed_value ORDER BY known.created_at, known.system, known.sealed_value),
        EXISTS (SELECT FROM session WHERE session.care_flow_id = wanted AND session.status = 'active')
    FROM patient_identifier AS known
    WHERE known.patient_id = taken.patient_id;
END
$$;
