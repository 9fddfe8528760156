-- name: redriven_among
-- Which of some dead records were sent back, and when.
select dead_partition, dead_offset, redriven_at
from redriven_record
join unnest($1::integer[], $2::bigint[]) as asked (number, place) on dead_partition = number and dead_offset = place

-- name: mark_redriven
-- Notes that dead records are sent back; returns those that were not before.
insert into redriven_record (dead_partition, dead_offset, redriven_at)
select number, place, $3 from unnest($1::integer[], $2::bigint[]) as given (number, place)
order by number, place
on conflict do nothing
returning dead_partition, dead_offset
