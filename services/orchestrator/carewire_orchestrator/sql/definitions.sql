-- name: claim_definition
-- Have a definition to lock. One that was not there is empty, and seen by nobody before its draft is put.
INSERT INTO definition (id, title, draft, revision, updated_at) VALUES ($1, '', NULL, 0, $2) ON CONFLICT (id) DO NOTHING;

-- name: lock_definition
-- A definition, which nobody else changes until this transaction has ended.
SELECT draft, revision, live_release_id, catalogue_version FROM definition WHERE id = $1 FOR UPDATE;

-- name: put_draft
-- Save a locked definition's draft and answer its revision; its releases stay as they are.
UPDATE definition SET title = $2, draft = $3, updated_at = $4, revision = revision + 1 WHERE id = $1 RETURNING revision;

-- name: discard_draft
-- Take the draft of a locked definition away, which is called after its live release from now on.
UPDATE definition SET title = $2, draft = NULL, updated_at = $3, revision = revision + 1 WHERE id = $1;

-- name: delete_definition
-- Delete a locked definition that has no release.
DELETE FROM definition WHERE id = $1;

-- name: definition
-- A definition with its live release, where it has one.
SELECT d.id, d.title, d.draft, d.revision, d.updated_at, d.live_release_id, r.version, r.published_at
FROM definition d
LEFT JOIN release r ON r.release_id = d.live_release_id
WHERE d.id = $1;

-- name: definitions
-- A page of definitions by id; $1 is the last id of the page before, or null.
SELECT
    d.id, d.title, d.draft IS NOT NULL AS has_draft, d.revision, d.updated_at,
    d.live_release_id, r.version, r.published_at
FROM definition d
LEFT JOIN release r ON r.release_id = d.live_release_id
WHERE $1::text IS NULL OR d.id > $1
ORDER BY d.id
LIMIT $2;

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

-- name: releases_of_definition
-- A page of a definition's releases, newest first; $2 is the last version of the page before, or null.
SELECT release_id, version, published_at
FROM release
WHERE definition_id = $1 AND ($2::integer IS NULL OR version < $2)
ORDER BY version DESC
LIMIT $3;

-- name: live_release_id
-- The live release of a definition.
SELECT live_release_id FROM definition WHERE id = $1;

-- name: release
-- A release with its document.
SELECT release_id, definition_id, version, document, published_at FROM release WHERE release_id = $1;
