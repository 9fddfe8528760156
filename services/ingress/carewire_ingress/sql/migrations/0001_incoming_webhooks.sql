-- Incoming webhooks: the truth that `ingress.webhooks` is published from.
CREATE TABLE incoming_webhook (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    definition_id text NOT NULL,
    enabled boolean NOT NULL DEFAULT false,
    mapping jsonb NOT NULL,
    identifiers jsonb NOT NULL,
    start_key jsonb NOT NULL,
    token_sha256 bytea NOT NULL UNIQUE,
    token_sealed text NOT NULL,
    salt_sealed text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- A deleted webhook keeps its row: the request log goes on naming it.
    deleted_at timestamptz
);
