"""A replica finds a webhook by its token, and for a while by the token before the last rotation."""

from datetime import UTC, datetime, timedelta

import pytest

from carewire_ingress.adapters.webhook_record import WebhookRecord, salt_context
from carewire_ingress.adapters.webhook_table import WebhookTable
from carewire_ingress.domain.configuration import Configuration
from carewire_runtime.clock import FakeClock
from carewire_runtime.sealing import Keyring
from carewire_testing_ingress.samples import PATHS, by_path

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
ID = "0198c000-0000-7000-8000-000000000001"
OLD, NEW, NEWEST = (bytes([number]) * 32 for number in range(3))
KEYRING = Keyring.parse(Keyring.generate())


class Replica:
    """A table without its topic: what it decodes is applied as it would be."""

    def __init__(self) -> None:
        self.clock = FakeClock(START)
        self.webhooks = WebhookTable("nowhere:9092", "webhooks", KEYRING, self.clock)
        self.forgotten: list[str] = []
        self.webhooks.on_delete(self.forgotten.append)

    def saved(self, token: bytes, previous: bytes | None = None, seconds: float = 0, name: str = "A") -> None:
        until = None if previous is None else START + timedelta(seconds=seconds)
        record = WebhookRecord(
            id=ID,
            enabled=True,
            token_sha256=token.hex(),
            salt=KEYRING.seal(b"salt", context=salt_context(ID)),
            configuration=Configuration(name, "hip-surgery", by_path(PATHS)),
            previous_token_sha256=None if previous is None else previous.hex(),
            previous_token_until=until,
        )
        self.webhooks.table._apply(ID, self.webhooks._decode(ID, record.encode()))

    def deleted(self) -> None:
        self.webhooks.table._apply(ID, None)

    def leads(self) -> set[bytes]:
        return {token for token in (OLD, NEW, NEWEST) if self.webhooks.by_token(token) is not None}


@pytest.fixture
def replica() -> Replica:
    return Replica()


def test_both_tokens_lead_to_one_webhook_until_the_moment(replica: Replica) -> None:
    replica.saved(OLD)
    assert replica.leads() == {OLD}
    replica.saved(NEW, OLD, 60)
    assert replica.webhooks.by_token(OLD) is replica.webhooks.by_token(NEW)
    replica.clock.advance(59.9)
    assert replica.leads() == {OLD, NEW}
    replica.clock.advance(0.1)
    assert replica.leads() == {NEW}


def test_a_second_rotation_ends_the_older_token_at_once(replica: Replica) -> None:
    replica.saved(NEW, OLD, 3600)
    replica.saved(NEWEST, NEW, 3600)
    assert replica.leads() == {NEW, NEWEST}


def test_a_rotation_without_overlap_ends_the_token_at_once(replica: Replica) -> None:
    replica.saved(OLD)
    replica.saved(NEW)
    assert replica.leads() == {NEW}


def test_ending_a_rotation_leaves_the_new_token(replica: Replica) -> None:
    replica.saved(NEW, OLD, 3600)
    replica.saved(NEW)
    assert replica.leads() == {NEW}


def test_a_change_is_seen_by_both_tokens(replica: Replica) -> None:
    replica.saved(NEW, OLD, 3600)
    replica.saved(NEW, OLD, 3600, name="renamed")
    assert {found.name for token in (OLD, NEW) if (found := replica.webhooks.by_token(token))} == {"renamed"}


def test_a_deleted_webhook_answers_by_no_token(replica: Replica) -> None:
    replica.saved(NEW, OLD, 3600)
    replica.deleted()
    assert replica.leads() == set()
    assert replica.forgotten == [ID]


def test_a_record_of_before_rotations_overlapped_is_read() -> None:
    record = WebhookRecord(ID, True, OLD.hex(), "salt", Configuration("A", "hip-surgery", {}))
    assert record.ending_token is None
    assert WebhookRecord.decode(record.encode()) == record


def test_a_record_keeps_the_moment_exactly() -> None:
    until = START + timedelta(microseconds=123_456)
    record = WebhookRecord(
        ID,
        True,
        NEW.hex(),
        "salt",
        Configuration("A", "hip-surgery", {}),
        previous_token_sha256=OLD.hex(),
        previous_token_until=until,
    )
    ending = WebhookRecord.decode(record.encode()).ending_token
    assert ending is not None
    assert (ending.sha256, ending.until) == (OLD, until)


def test_a_salt_of_an_unknown_key_is_a_fault_of_the_record(replica: Replica) -> None:
    other = Keyring.parse(Keyring.generate())
    record = WebhookRecord(
        ID, True, OLD.hex(), other.seal(b"s", context=salt_context(ID)), Configuration("A", "hip-surgery", {})
    )
    with pytest.raises(ValueError, match="no encryption key has the id"):
        replica.webhooks._decode(ID, record.encode())
