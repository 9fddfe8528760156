-- Dead records that were sent back to where they came from: the topic itself cannot be told.
create table redriven_record (
    dead_partition integer not null,
    dead_offset bigint not null,
    redriven_at timestamptz not null,
    primary key (dead_partition, dead_offset)
);
