-- name: find_api_key
-- The living key of a digest.
select id::text as id, name, role, hash from api_key where hash = $1 and revoked_at is null

-- name: add_api_key
-- A new key. Fails on the name of a living one.
insert into api_key (id, name, role, hash) values ($1::uuid, $2, $3, $4)

-- name: find_api_key_by_name
-- The living key of a name.
select id::text as id, hash from api_key where name = $1 and revoked_at is null

-- name: revoke_api_key
-- Ends a key; returns its id if it was alive.
update api_key set revoked_at = now() where id = $1::uuid and revoked_at is null returning id::text
