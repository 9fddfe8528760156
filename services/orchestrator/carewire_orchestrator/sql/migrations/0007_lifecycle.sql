-- What happened to a care flow, why, and which domain events followed, from the number `first_sequence` on without a
-- gap. One row for each change and not for each event: a start alone tells of a dozen.
CREATE TABLE care_flow_change (
    care_flow_id   text COLLATE "C" NOT NULL REFERENCES care_flow (id) ON DELETE CASCADE,
    position       bigint GENERATED ALWAYS AS IDENTITY,
    happened_at    timestamptz NOT NULL,
    what           text NOT NULL,
    cause_kind     text NOT NULL,
    cause_id       text,
    cause_name     text,
    first_sequence bigint NOT NULL,
    events         text NOT NULL,
    PRIMARY KEY (care_flow_id, position)
);

-- Whose an activity is: ids of stakeholders of its definition, and `patient` where it is the patient's. Null where the
-- system acts.
ALTER TABLE activity ADD COLUMN stakeholders text[];
CREATE INDEX activity_open ON activity (care_flow_id) WHERE status = 'active';

-- Who holds a token may see and do what one stakeholder has to do; only its digest is kept.
CREATE TABLE session (
    id               text COLLATE "C" PRIMARY KEY,
    token_digest     bytea NOT NULL UNIQUE,
    care_flow_id     text COLLATE "C" NOT NULL REFERENCES care_flow (id) ON DELETE CASCADE,
    stakeholder_type text NOT NULL,
    stakeholder_id   text COLLATE "C" NOT NULL,
    status           text NOT NULL,
    created_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    ended_at         timestamptz,
    success_url      text,
    cancel_url       text
);
CREATE INDEX session_of_care_flow ON session (care_flow_id, id);
CREATE INDEX session_to_expire ON session (expires_at) WHERE status = 'active';

-- API calls on their way. `due_at` is when anybody may make the call: whoever takes it moves that on by the time of a
-- lease, so it is made again if they die. The row goes with the end of its activity.
CREATE TABLE api_call (
    activity_id  text COLLATE "C" PRIMARY KEY REFERENCES activity (id) ON DELETE CASCADE,
    care_flow_id text COLLATE "C" NOT NULL,
    request      text NOT NULL,
    attempts     integer NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL
);
CREATE INDEX api_call_due ON api_call (due_at);
