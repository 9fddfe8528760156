-- name: try_idempotency_lock
-- Keep others from doing the same call until this transaction has ended, unless one of them is at it.
SELECT pg_try_advisory_xact_lock($1);

-- name: idempotent_answer
-- What was answered to a call under a key.
SELECT request_fingerprint, status, sealed_answer FROM idempotent_answer WHERE key_fingerprint = $1;

-- name: add_idempotent_answer
-- Keep what is answered to a call under a key.
INSERT INTO idempotent_answer (key_fingerprint, request_fingerprint, id, status, sealed_answer)
VALUES ($1, $2, $3::uuid, $4, $5);

-- name: delete_idempotent_answers
-- The oldest $2 answers before an id.
DELETE FROM idempotent_answer
WHERE id IN (SELECT id FROM idempotent_answer WHERE id < $1::uuid ORDER BY id LIMIT $2);
