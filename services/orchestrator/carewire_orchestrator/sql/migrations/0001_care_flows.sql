-- Definitions, patients, care flows, and the inbox of requests.
-- Ids are UUID strings; they are compared byte by byte, hence the collation "C".

CREATE TABLE identifier_system (
    system              text COLLATE "C" PRIMARY KEY,
    name                text NOT NULL UNIQUE,
    display_name        text NOT NULL,
    placeholder_pattern text,
    catalogue_version   bigint NOT NULL,
    created_at          timestamptz NOT NULL
);

CREATE TABLE definition (
    id                text COLLATE "C" PRIMARY KEY,
    title             text NOT NULL,
    draft             text NOT NULL,
    live_release_id   text COLLATE "C",
    catalogue_version bigint NOT NULL DEFAULT 0,
    updated_at        timestamptz NOT NULL
);

-- Immutable: a running care flow keeps the release that it was started with.
CREATE TABLE release (
    release_id    text COLLATE "C" PRIMARY KEY,
    definition_id text COLLATE "C" NOT NULL REFERENCES definition (id),
    version       integer NOT NULL,
    document      text NOT NULL,
    published_at  timestamptz NOT NULL,
    UNIQUE (definition_id, version)
);

CREATE TABLE patient (
    id         text COLLATE "C" PRIMARY KEY,
    created_at timestamptz NOT NULL
);

-- An identifier is found by the keyed fingerprint of its value and shown by opening the sealed value.
CREATE TABLE patient_identifier (
    system             text COLLATE "C" NOT NULL,
    fingerprint        bytea NOT NULL,
    patient_id         text COLLATE "C" NOT NULL REFERENCES patient (id) ON DELETE CASCADE,
    sealed_value       text NOT NULL,
    fingerprint_key_id text NOT NULL,
    created_at         timestamptz NOT NULL,
    PRIMARY KEY (system, fingerprint)
);
CREATE INDEX patient_identifier_of_patient ON patient_identifier (patient_id);

-- `document` is the whole state that the next event needs; see domain/care_flow.py.
CREATE TABLE care_flow (
    id            text COLLATE "C" PRIMARY KEY,
    patient_id    text COLLATE "C" NOT NULL REFERENCES patient (id),
    definition_id text COLLATE "C" NOT NULL,
    release_id    text COLLATE "C" NOT NULL REFERENCES release (release_id),
    status        text NOT NULL,
    document      text NOT NULL,
    started_at    timestamptz NOT NULL,
    ended_at      timestamptz
);
CREATE INDEX care_flow_of_patient ON care_flow (patient_id, id);

-- Activities and data points stand in the document as well; these rows are for finding them, and for history.
CREATE TABLE activity (
    id           text COLLATE "C" PRIMARY KEY,
    care_flow_id text COLLATE "C" NOT NULL REFERENCES care_flow (id) ON DELETE CASCADE,
    kind         text NOT NULL,
    status       text NOT NULL,
    created_at   timestamptz NOT NULL,
    ended_at     timestamptz
);
CREATE INDEX activity_of_care_flow ON activity (care_flow_id);

CREATE TABLE data_point (
    id            text COLLATE "C" PRIMARY KEY,
    care_flow_id  text COLLATE "C" NOT NULL REFERENCES care_flow (id) ON DELETE CASCADE,
    definition_id text COLLATE "C" NOT NULL,
    value_type    text NOT NULL,
    value         text NOT NULL,
    collected_at  timestamptz NOT NULL
);
CREATE INDEX data_point_of_care_flow ON data_point (care_flow_id);

-- The inbox: one row per start key, kept for ever, also when its care flow is deleted.
-- A committed row has either a care flow and its patient, or a reason.
CREATE TABLE start (
    start_key    text COLLATE "C" PRIMARY KEY,
    body_digest  text NOT NULL,
    request_id   text COLLATE "C" NOT NULL,
    care_flow_id text COLLATE "C",
    patient_id   text COLLATE "C",
    reason       text,
    created_at   timestamptz NOT NULL
) WITH (fillfactor = 80);
