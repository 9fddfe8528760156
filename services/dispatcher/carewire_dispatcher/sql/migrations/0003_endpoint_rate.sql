-- How many attempts a second an endpoint takes; null: as many as come.
alter table endpoint add column rate_per_s double precision check (rate_per_s > 0);
