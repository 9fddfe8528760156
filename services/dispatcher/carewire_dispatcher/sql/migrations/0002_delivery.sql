-- The attempt log: what the topic dispatcher.attempts says, for people to look at. Partitioned by day, so that
-- what is too old is dropped as a table and never deleted row by row.
create table delivery (
    id uuid not null,
    endpoint_id uuid not null,
    event_id text not null,
    event_type text not null,
    event_topic text not null, -- with partition and offset: where the event can be read again
    event_partition integer not null,
    event_offset bigint not null,
    event_at timestamptz not null,
    epoch integer not null,
    attempts integer not null,
    status text not null check (status in ('retrying', 'delivered', 'failed', 'held')),
    reason text,
    first_attempt_at timestamptz,
    next_attempt_at timestamptz,
    updated_at timestamptz not null,
    primary key (event_at, id)
) partition by range (event_at);
create index delivery_by_id on delivery (id);
create index delivery_newest_of_endpoint on delivery (endpoint_id, event_at desc, id desc);
create index delivery_of_event on delivery (event_id);

create table attempt (
    id uuid not null,
    delivery_id uuid not null,
    epoch integer not null,
    number integer not null,
    started_at timestamptz not null,
    duration_ms integer not null,
    status_code integer,
    failure text,
    outcome text not null,
    primary key (started_at, id)
) partition by range (started_at);
create index attempt_of_delivery on attempt (delivery_id, started_at);

-- Makes the partition of a day (in UTC, as the session is) unless it is there.
create function make_day(parent text, day date) returns void language plpgsql as $$
declare
    part text := parent || '_' || to_char(day, 'YYYYMMDD');
begin
    if to_regclass(part) is null then
        execute format('create table %I partition of %I for values from (%L) to (%L)', part, parent, day, day + 1);
    end if;
end $$;

-- Drops the partitions of the days before one; returns how many.
create function drop_days(parent text, before date) returns integer language plpgsql as $$
declare
    part text;
    dropped integer := 0;
begin
    for part in
        select child.relname
        from pg_inherits
        join pg_class child on child.oid = pg_inherits.inhrelid
        where pg_inherits.inhparent = parent::regclass
            and right(child.relname, 8) < to_char(before, 'YYYYMMDD')
    loop
        execute format('drop table %I', part);
        dropped := dropped + 1;
    end loop;
    return dropped;
end $$;
