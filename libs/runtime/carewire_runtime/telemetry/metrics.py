"""Every metric of Carewire: name, kind, unit, labels, meaning. Exposed for Prometheus at `/metrics`."""

from typing import Final

from carewire_runtime.telemetry.instruments import Counter, Gauge, Histogram

# From a tick of the event loop to the longest step that is waited for in line (10 s); doubling.
_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
# An end-to-end delivery may be retried for 24 h.
_LONG_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 21600.0, 86400.0)
_SIZES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)

# Ingress
REQUESTS: Final = Counter(
    "carewire_requests", "", ("status", "reason"),
    "calls of incoming webhooks, by the status word answered and the first reason (empty when accepted)",
)  # fmt: skip
REQUEST_DURATION: Final = Histogram(
    "carewire_request_duration", "s", ("status",), "from the call of an incoming webhook to its answer", _SECONDS
)
REQUESTS_IN_FLIGHT: Final = Gauge(
    "carewire_requests_in_flight", "", (), "calls of incoming webhooks that wait for their answer"
)
REFUSED_NOT_LOGGED: Final = Counter(
    "carewire_refused_not_logged", "", ("status", "reason"),
    "refused and test calls beyond what the log keeps of a webhook in a minute, by status word and first reason",
)  # fmt: skip

# Orchestrator
OUTCOMES: Final = Counter(
    "carewire_outcomes", "", ("status", "reason"),
    "final outcomes of accepted requests: succeeded (a skipped one with its reason), or failed with its reason",
)  # fmt: skip
TIMERS_FIRED: Final = Counter("carewire_timers_fired", "", (), "timers of care flows that fired")
TIMERS_LATE: Final = Counter("carewire_timers_late", "", (), "those of them that fired more than a minute late")
TIMER_LATENESS: Final = Histogram(
    "carewire_timer_lateness", "s", (), "from the moment of a timer to its firing", _LONG_SECONDS
)
EVENTS_EMITTED: Final = Counter("carewire_events_emitted", "", ("event_type",), "domain events emitted")

# Dispatcher
ATTEMPTS: Final = Counter(
    "carewire_attempts", "", ("lane", "outcome"), "HTTP attempts of deliveries, by how they ended"
)
ATTEMPT_DURATION: Final = Histogram(
    "carewire_attempt_duration", "s", ("outcome",), "duration of an HTTP attempt", _SECONDS
)
DELIVERY_LATENCY: Final = Histogram(
    "carewire_delivery_latency", "s", (), "from a domain event's time to its delivery, end to end", _LONG_SECONDS
)
DELIVERIES: Final = Counter("carewire_deliveries", "", ("outcome",), "deliveries that ended, by how they ended")
DELIVERIES_DUPLICATE: Final = Counter(
    "carewire_deliveries_duplicate", "", (), "copies of a delivery that were recognised and dropped"
)
OLDEST_DUE: Final = Gauge("carewire_oldest_due", "s", ("lane",), "how long the oldest due delivery has waited")
DELIVERIES_IN_FLIGHT: Final = Gauge("carewire_deliveries_in_flight", "", (), "HTTP attempts under way")
OPEN_BREAKERS: Final = Gauge("carewire_open_breakers", "", (), "endpoints that are not called for failing")

# Kafka
BATCH_SIZE: Final = Histogram("carewire_batch_size", "", ("group",), "records that a consumer took at once", _SIZES)
BATCH_DURATION: Final = Histogram(
    "carewire_batch_duration", "s", ("group",), "from taking a batch to its commit", _SECONDS
)
CONSUMER_LAG: Final = Gauge(
    "carewire_consumer_lag", "s", ("group",), "age of the oldest record of the batch at work, 0 when caught up"
)
COMMITS_SKIPPED: Final = Counter(
    "carewire_commits_skipped", "", ("group",), "finished batches of partitions that had gone to another process"
)
RETRIES_IN_PLACE: Final = Counter(
    "carewire_retries_in_place", "", ("what",), "times that a step was done again because of a passing fault"
)
DEAD_LETTERS: Final = Counter("carewire_dead_letters", "", ("reason",), "records that could not be processed")
TABLE_ENTRIES: Final = Gauge("carewire_table_entries", "", ("topic",), "entries of a configuration table")
TABLE_UNDECODABLE: Final = Counter(
    "carewire_table_undecodable", "", ("topic",), "records of a configuration table that could not be read"
)

# Postgres
OUTBOX_PUBLISHED: Final = Counter("carewire_outbox_published", "", (), "outbox records published")
OUTBOX_BATCH: Final = Histogram("carewire_outbox_batch", "", (), "outbox records published at once", _SIZES)
OUTBOX_LEADER: Final = Gauge(
    "carewire_outbox_leader", "", (), "1 where this process publishes the outbox, 0 where another one does"
)
ROWS_EXPIRED: Final = Counter(
    "carewire_rows_expired", "", ("what",), "rows that were deleted because they had been kept long enough"
)

# Process
LOG_FIELDS_DROPPED: Final = Counter(
    "carewire_log_fields_dropped", "", (), "log fields that are not on the list, and were left out"
)
HTTP_REFUSED: Final = Counter(
    "carewire_http_refused", "", ("status_code",),
    "requests whose head was no HTTP, too large or too slow",
)  # fmt: skip
HTTP_REQUESTS: Final = Counter("carewire_http_requests", "", ("route", "status_code"), "calls of the management API")
