-- What becomes of patients. A merged one points to whom they turned out to be and has nothing of their own any more; a
-- deleted one is found by nobody and waits until it is erased, together with all that ever pointed to it.
ALTER TABLE patient ADD COLUMN merged_into text COLLATE "C" REFERENCES patient (id) ON DELETE CASCADE;
ALTER TABLE patient ADD COLUMN deleted_at timestamptz;
ALTER TABLE patient ADD COLUMN erase_after timestamptz;
CREATE INDEX patient_merged_into ON patient (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX patient_deleted ON patient (id) WHERE deleted_at IS NOT NULL;
CREATE INDEX patient_to_erase ON patient (erase_after) WHERE erase_after IS NOT NULL;

-- The identifiers of deleted patients: kept for their return, and free for others until then. A call that brings one
-- makes a new patient, so nothing on the way of requests has to know of deletions.
CREATE TABLE detached_identifier (
    patient_id         text COLLATE "C" NOT NULL REFERENCES patient (id) ON DELETE CASCADE,
    system             text COLLATE "C" NOT NULL,
    fingerprint        bytea NOT NULL,
    sealed_value       text NOT NULL,
    fingerprint_key_id text NOT NULL,
    created_at         timestamptz NOT NULL,
    PRIMARY KEY (patient_id, system, fingerprint)
);

-- By what patients are found whose profiles are sealed (domain/patient_search.py): keyed fingerprints, nothing else.
CREATE TABLE patient_search_key (
    kind        text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    patient_id  text COLLATE "C" NOT NULL REFERENCES patient (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, fingerprint, patient_id)
);
CREATE INDEX patient_search_key_of_patient ON patient_search_key (patient_id);

-- Who a patient is after all merges; null where there is no such patient. Pointers never change, so each merge adds at
-- most one to the way, and nobody has to lock those before.
CREATE FUNCTION surviving_patient(given text)
RETURNS text
LANGUAGE sql
STABLE
AS $$
    WITH RECURSIVE line AS (
        SELECT id, merged_into FROM patient WHERE id = given
        UNION ALL
        SELECT next.id, next.merged_into FROM line JOIN patient AS next ON next.id = line.merged_into
    )
    SELECT id FROM line WHERE merged_into IS NULL
$$;
