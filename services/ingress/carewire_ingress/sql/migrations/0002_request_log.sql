-- The request log. Ids are uuid7, so their order is the order of time, and paging by id needs no other index.
CREATE TABLE request (
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL,
    definition_id text NOT NULL,
    status text NOT NULL,
    status_rank smallint NOT NULL,
    received_at timestamptz,
    reasons jsonb,
    data_points jsonb,
    content_type text,
    payload bytea,
    care_flow_id text,
    patient_id text,
    duplicate_of text,
    failure_reason text,
    failure_message text
);

CREATE INDEX request_by_webhook ON request (webhook_id, id DESC);
CREATE INDEX request_by_status ON request (status, id DESC);

CREATE TABLE request_status (
    request_id uuid NOT NULL,
    status text NOT NULL,
    reached_at timestamptz NOT NULL,
    PRIMARY KEY (request_id, status)
);
