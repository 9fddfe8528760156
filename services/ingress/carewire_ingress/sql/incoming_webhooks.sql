-- name: insert_webhook
-- A new incoming webhook, disabled.
INSERT INTO incoming_webhook
    (id, name, definition_id, configuration, token_sha256, token_sealed, salt_sealed, sender_sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING *;

-- name: get_webhook
-- One webhook that was not deleted.
SELECT * FROM incoming_webhook WHERE id = $1 AND deleted_at IS NULL;

-- name: lock_webhook
-- One webhook that was not deleted, for a change that depends on what it is now.
SELECT * FROM incoming_webhook WHERE id = $1 AND deleted_at IS NULL FOR UPDATE;

-- name: list_webhooks
-- A page of webhooks, newest first; $1 is the last id of the page before, $3 whether they are enabled, $4 their
-- care flow; null demands nothing.
SELECT * FROM incoming_webhook
WHERE deleted_at IS NULL
    AND ($1::uuid IS NULL OR id < $1)
    AND ($3::boolean IS NULL OR enabled = $3)
    AND ($4::text IS NULL OR definition_id = $4)
ORDER BY id DESC
LIMIT $2;

-- name: update_webhook
-- All that staff may change, and the token, which rotates.
UPDATE incoming_webhook
SET name = $2, enabled = $3, configuration = $4, token_sha256 = $5, token_sealed = $6, sender_sealed = $7,
    previous_token_sha256 = $8, previous_token_until = $9, updated_at = now()
WHERE id = $1
RETURNING *;

-- name: delete_webhook
-- The webhook answers no more; its name stays for the log.
UPDATE incoming_webhook SET enabled = false, deleted_at = now(), updated_at = now() WHERE id = $1;
