-- A draft counts its changes, so that two designers do not overwrite each other. A definition without a draft has
-- nothing but its releases; one without a release goes together with its draft.
ALTER TABLE definition ALTER COLUMN draft DROP NOT NULL;
ALTER TABLE definition ADD COLUMN revision bigint NOT NULL DEFAULT 1;

-- What was answered to a call under an `Idempotency-Key`, so that the same call again is answered and not done again.
-- Written in the transaction of what the call did. Keys and calls are known by keyed fingerprints, and the answer is
-- sealed: all of them may hold health data. Ids are uuid7, so their order is the order of time.
CREATE TABLE idempotent_answer (
    key_fingerprint     bytea PRIMARY KEY,
    request_fingerprint bytea NOT NULL,
    id                  uuid NOT NULL UNIQUE,
    status              integer NOT NULL,
    sealed_answer       text NOT NULL
);
