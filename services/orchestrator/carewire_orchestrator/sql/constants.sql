-- name: set_constant
-- Set the value of a concealed constant, unless there is no such definition.
INSERT INTO concealed_constant (definition_id, name, sealed_value, set_at)
SELECT id, $2, $3, $4 FROM definition WHERE id = $1 FOR KEY SHARE
ON CONFLICT (definition_id, name) DO UPDATE SET sealed_value = excluded.sealed_value, set_at = excluded.set_at
RETURNING true;

-- name: clear_constant
-- Take the value of a concealed constant away, and tell whether there was one.
DELETE FROM concealed_constant WHERE definition_id = $1 AND name = $2 RETURNING true;

-- name: constants_set
-- The concealed constants of a definition that have values.
SELECT name, set_at FROM concealed_constant WHERE definition_id = $1;

-- name: constants_of_care_flow
-- Values of concealed constants of a care flow's definition.
SELECT concealed_constant.definition_id, concealed_constant.name, concealed_constant.sealed_value
FROM care_flow
JOIN concealed_constant ON concealed_constant.definition_id = care_flow.definition_id
WHERE care_flow.id = $1 AND concealed_constant.name = ANY ($2::text[]);
