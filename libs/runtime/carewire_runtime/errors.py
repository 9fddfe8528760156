"""What can go wrong in the runtime.

    CarewireError
    ├── ConfigurationError        a setting is missing or wrong
    ├── SetupMissing              the service's `setup` has not run, or something differs from what it made
    ├── ComponentEnded            a part of the process returned although nobody had asked it to stop
    ├── KafkaError
    │   ├── KafkaUnavailable      no broker answers, or not in time                               (retriable)
    │   ├── KafkaRefused          the broker answers and says no
    │   ├── ProducerFatal         the producer lost its place and must be rebuilt
    │   └── RecordTooLarge        a record exceeds what the producer or the topic takes
    ├── TooManyPoison             so many records cannot be processed that no more are read
    ├── DatabaseError
    │   ├── PostgresUnavailable   no server, a lost connection, sqlstate class 08 40 53 55 57 58  (retriable)
    │   ├── UniqueViolation       a row with this key is there already
    │   └── StatementFailed       any other refusal of a statement
    └── SealingError
        ├── UnknownKey            the key that sealed a value is not among ours
        └── SealBroken            a sealed value is damaged, or was sealed for another purpose

Every leaf says by `retriable` whether the same call can succeed later without anybody changing anything.
No message holds a value: neither a driver's text, nor a payload, nor a secret. Messages are safe to log.
"""

from typing import ClassVar


class CarewireError(Exception):
    """An error whose message was written here, for an operator, and is safe to log."""

    retriable: ClassVar[bool] = False


class ConfigurationError(CarewireError):
    """A setting is missing or wrong. The message names it and the cure."""


class SetupMissing(CarewireError):
    """Something that `setup` makes is missing or differs. The message names every difference and the cure."""


class ComponentEnded(CarewireError):
    """A component returned before it was asked to stop."""


class KafkaError(CarewireError):
    """Kafka did not do what was asked."""


class KafkaUnavailable(KafkaError):
    """No broker answers, or not in time. A record that was being sent may still be appended."""

    retriable = True


class KafkaRefused(KafkaError):
    """The broker answers and says no: unknown topic, no permission, invalid request."""


class ProducerFatal(KafkaError):
    """The idempotent producer lost its sequence or its identity: nothing can be sent until it is rebuilt."""


class RecordTooLarge(KafkaError):
    """A record is larger than the producer's limit or the topic's `max.message.bytes`."""


class TooManyPoison(CarewireError):
    """So many records in a short time cannot be processed that the fault is more likely ours than theirs.

    Those records are set aside; the reader stops, and its process stays up to say so.
    """


class DatabaseError(CarewireError):
    """Postgres did not do what was asked."""


class PostgresUnavailable(DatabaseError):
    """No server, a lost connection, a deadlock, a shortage. `sqlstate` is None where unknown."""

    retriable = True

    def __init__(self, sqlstate: str | None = None) -> None:
        super().__init__(f"Postgres is unavailable (sqlstate {sqlstate or 'unknown'})")
        self.sqlstate = sqlstate


class UniqueViolation(DatabaseError):
    """A row with this key is there already. `constraint` names the unique index."""

    def __init__(self, constraint: str) -> None:
        super().__init__(f"unique constraint {constraint} is violated")
        self.constraint = constraint


class StatementFailed(DatabaseError):
    """Postgres refused a statement. Its sqlstate and the constraint's name are all that holds no value."""

    def __init__(self, sqlstate: str, constraint: str | None = None) -> None:
        named = f", constraint {constraint}" if constraint else ""
        super().__init__(f"Postgres refused a statement (sqlstate {sqlstate}{named})")
        self.sqlstate = sqlstate
        self.constraint = constraint


class SealingError(CarewireError):
    """A sealed value cannot be opened."""


class UnknownKey(SealingError):
    """The key that sealed a value is not among ours: a retired key was removed too early."""


class SealBroken(SealingError):
    """A sealed value is damaged, or was sealed for another purpose."""
