-- The token before the last rotation, whose URL answers until a moment. One alone: a second rotation ends it.
ALTER TABLE incoming_webhook
    ADD COLUMN previous_token_sha256 bytea UNIQUE,
    ADD COLUMN previous_token_until timestamptz,
    ADD CHECK ((previous_token_sha256 IS NULL) = (previous_token_until IS NULL));
