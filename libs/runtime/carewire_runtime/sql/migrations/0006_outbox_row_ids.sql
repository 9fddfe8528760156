-- Whoever adds a row gives it an id, by which a relay of the same process knows the rows that it still has in memory.
-- Positions cannot say that: after a crash of Postgres, one that was never committed may be given out again.
alter table outbox add column id text not null default gen_random_uuid()::text;
