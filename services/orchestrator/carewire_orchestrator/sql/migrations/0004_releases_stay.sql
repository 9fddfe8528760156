-- A release is never deleted, and a start has read the one that it names. The constraint had each start lock that one
-- row, and all starts of a definition write to it.
ALTER TABLE care_flow DROP CONSTRAINT care_flow_release_id_fkey;
