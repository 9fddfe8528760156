"""The fields that a log line may have. Anything else is dropped and counted, whatever it holds.

A field belongs here only if no value of it can hold a sender's data, a patient's identifier, a token or a
secret: our own opaque ids, fixed words, numbers, and names that staff gave to configuration.
"""

from collections.abc import Mapping
from typing import Final

LOG_FIELDS: Final[Mapping[str, str]] = {
    # where and what
    "service": "which service writes: ingress, orchestrator or dispatcher",
    "component": "the part of the process, e.g. relay",
    "role": "the role that the process plays, e.g. worker",
    "roles": "all roles of the process",
    "version": "version of the software",
    "pid": "process id",
    "host": "host name of a server that we connect to or listen on; of an endpoint's URL nothing but this",
    "port": "port that we listen on",
    "method": "HTTP method",
    "route": "HTTP route template, never the path",
    "status_code": "HTTP status code",
    "signal": "name of the signal that stops the process",
    "exit_code": "exit code of the process",
    "library": "name of the library's logger that had something to say",
    # our own ids
    "request_id": "id of an accepted, rejected or test request",
    "start_key": "keyed id by which a request starts at most one care flow",
    "duplicate_of": "id of the request that this one repeats",
    "webhook_id": "id of an incoming webhook",
    "definition_id": "id of a care-flow definition",
    "release_id": "id of a published release",
    "care_flow_id": "id of a care flow",
    "activity_id": "id of an activity",
    "timer_id": "id of a timer",
    "event_id": "id of a domain event",
    "event_type": "type of a domain event, e.g. pathway.completed",
    "endpoint_id": "id of an endpoint",
    "delivery_id": "id of a delivery",
    "epoch": "epoch of a delivery",
    "hop": "hop of a delivery through the retry topics",
    "api_key_id": "id of an API key, never the key",
    "key_id": "id of an encryption key, never the key",
    "trace_id": "trace that the line belongs to",
    "span_id": "span that the line belongs to",
    # Kafka
    "topic": "topic name",
    "topics": "topic names",
    "partition": "partition number",
    "partitions": "how many partitions",
    "offset": "offset of a record",
    "group": "consumer group",
    "lane": "fast or bulk",
    "tier": "retry topic, by its seconds",
    "lag_s": "seconds behind",
    # Postgres
    "schema": "schema name",
    "migration": "name of a migration file",
    "sqlstate": "Postgres error code",
    "constraint": "name of a violated constraint",
    "what": "what is cleared away, a fixed word such as requests",
    # outcomes
    "status": "one of the status words of requests, deliveries or care flows",
    "outcome": "how something ended, one of a closed list",
    "reason": "code of a reason, one of a closed list",
    "reasons": "codes of reasons",
    "secret_position": "which secret of a webhook's sender fitted, 0 being the newest; never the secret",
    "attempt": "number of an attempt, from 1",
    "attempts": "how many attempts",
    "count": "how many",
    "dropped": "how many were dropped",
    "bytes": "size in bytes",
    "duration_ms": "how long it took",
    "wait_s": "seconds until the next attempt",
    "ready": "whether the process is ready",
    "check": "name of a readiness check",
    # faults
    "error": "class of an exception",
    "message": "text of one of our own exceptions, which never holds a value",
    "frames": "file, line and function of each frame of an exception's traceback",
    "cause": "class of the exception that led to this one",
}
