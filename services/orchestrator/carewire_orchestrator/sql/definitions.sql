-- name: put_draft
-- Save a definition's draft; its releases stay as they are.
INSERT INTO definition (id, title, draft, updated_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE SET title = excluded.title, draft = excluded.draft, updated_at = excluded.updated_at;

-- name: definition
-- A definition with its live release, where it has one.
SELECT d.id, d.title, d.draft, d.updated_at, d.live_release_id, r.version, r.published_at
FROM definition d
LEFT JOIN release r ON r.release_id = d.live_release_id
WHERE d.id = $1;

-- name: definitions
-- A page of definitions by id; $1 is the last id of the page before, or null.
SELECT d.id, d.title, d.updated_at, d.live_release_id, r.version, r.published_at
FROM definition d
LEFT JOIN release r ON r.release_id = d.live_release_id
WHERE $1::text IS NULL OR d.id > $1
ORDER BY d.id
LIMIT $2;

-- name: lock_definition
-- A definition, which nobody else publishes until this transaction has ended.
SELECT draft, catalogue_version FROM definition WHERE id = $1 FOR UPDATE;

-- name: add_release
-- Insert the next release of a definition and answer its version.
INSERT INTO release (release_id, definition_id, version, document, published_at)
SELECT $1, $2, coalesce(max(version), 0) + 1, $3, $4 FROM release WHERE definition_id = $2
RETURNING version;

-- name: set_live
-- Make a release the live one of its definition.
UPDATE definition SET live_release_id = $2, catalogue_version = $3 WHERE id = $1;

-- name: releases
-- Releases by id.
SELECT release_id, version, document FROM release WHERE release_id = ANY ($1::text[]);

-- name: live_release_id
-- The live release of a definition.
SELECT live_release_id FROM definition WHERE id = $1;

-- name: release
-- A release with its document.
SELECT release_id, definition_id, version, document, published_at FROM release WHERE release_id = $1;
