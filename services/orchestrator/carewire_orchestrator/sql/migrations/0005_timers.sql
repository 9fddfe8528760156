-- Moments that care flows wait for. The document of the care flow is what counts: a row only says when to ask it.
CREATE TABLE timer (
    id           text COLLATE "C" PRIMARY KEY,
    care_flow_id text COLLATE "C" NOT NULL REFERENCES care_flow (id) ON DELETE CASCADE,
    due_at       timestamptz NOT NULL
);
CREATE INDEX timer_by_moment ON timer (due_at, id);
CREATE INDEX timer_of_care_flow ON timer (care_flow_id);
