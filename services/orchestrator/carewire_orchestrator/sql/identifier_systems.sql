-- name: add_identifier_system
-- Register an identifier system.
INSERT INTO identifier_system (system, name, display_name, placeholder_pattern, catalogue_version, created_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: identifier_systems
-- A page of identifier systems; $1 is the last system of the page before, or null.
SELECT system, name, display_name, placeholder_pattern, created_at
FROM identifier_system
WHERE $1::text IS NULL OR system > $1
ORDER BY system
LIMIT $2;

-- name: identifier_system
-- One identifier system.
SELECT system, name, display_name, placeholder_pattern, created_at FROM identifier_system WHERE system = $1;
