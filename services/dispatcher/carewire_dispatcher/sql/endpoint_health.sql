-- name: health_of_endpoints
-- What is known of those of some endpoints that are enabled.
select e.id, coalesce(h.judged_from, 0) as judged_from, h.failing_since, h.last_failure_at, h.failed_attempts,
    h.warnings, h.warned_at
from endpoint e
left join endpoint_health h on h.endpoint_id = e.id
where e.id = any($1::uuid[]) and e.enabled

-- name: lock_endpoints
-- Locks some endpoints, in one order for all: what is known of them is then read as it is.
select id from endpoint where id = any($1::uuid[]) order by id for update

-- name: set_health
-- Replaces what is known of some endpoints.
insert into endpoint_health as old (
    endpoint_id, failing_since, last_failure_at, failed_attempts, warnings, warned_at
)
select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::integer[], $5::integer[], $6::bigint[])
on conflict (endpoint_id) do update
set failing_since = excluded.failing_since,
    last_failure_at = excluded.last_failure_at,
    failed_attempts = excluded.failed_attempts,
    warnings = excluded.warnings,
    warned_at = excluded.warned_at

-- name: judge_anew
-- Forgets what is known against an endpoint, and lets attempts that began before a moment say nothing.
insert into endpoint_health (endpoint_id, judged_from) values ($1::uuid, $2)
on conflict (endpoint_id) do update
set judged_from = excluded.judged_from,
    failing_since = null, last_failure_at = null, failed_attempts = 0, warnings = 0, warned_at = null

-- name: find_health
-- What is known against one endpoint.
select * from endpoint_health where endpoint_id = $1::uuid

-- name: sum_attempts_up
-- The last attempts of an endpoint, since a moment and no more than so many: how many, and how long they took.
select count(*) as attempts,
    count(*) filter (where outcome = 'delivered') as delivered,
    percentile_disc(array[0.5, 0.95, 0.99]) within group (order by duration_ms) as durations,
    min(started_at) as first_at
from (
    select started_at, duration_ms, outcome
    from attempt
    where endpoint_id = $1::uuid and started_at >= $2
    order by started_at desc, id desc
    limit $3
) looked_at

-- name: count_undelivered
-- What of an endpoint is not delivered, by status, each counted so far.
select wanted.status,
    (
        select count(*)
        from (
            select 1 from delivery
            where endpoint_id = $1::uuid and delivery.status = wanted.status and delivery.status <> 'delivered'
            limit $2
        ) counted
    ) as count,
    (
        select event_at from delivery
        where endpoint_id = $1::uuid and delivery.status = wanted.status and delivery.status <> 'delivered'
        order by event_at, id
        limit 1
    ) as oldest_event_at
from unnest(array['retrying', 'held', 'failed']) as wanted (status)
