-- Attempts say with which endpoint they were made: as it was before it was enabled or moved, or after.
alter table endpoint add column judged_from bigint not null default 0; -- in milliseconds since 1970
update endpoint set judged_from = known.judged_from
from endpoint_health known
where known.endpoint_id = endpoint.id;

-- Nobody is disabled who was not warned a day before.
alter table endpoint_health add column warned_at bigint; -- of the first warning; null: there was none
update endpoint_health set warned_at = failing_since + 86_400_000 where warnings > 0;
alter table endpoint_health add check ((warned_at is null) = (warnings = 0));
