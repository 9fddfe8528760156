"""Which care flow an event belongs to, and that the log is told."""

import orjson
import pytest

from carewire_dispatcher.domain.care_flow import care_flow_of
from carewire_dispatcher.domain.delivery import STATE_HEADER, Delivery
from carewire_dispatcher.domain.ending import End, EndStatus
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_testing_dispatcher.deliveries import a_delivery

CARE_FLOW = "01995f3a-7c41-7d02-9b1e-3f5a60c8d101"


@pytest.mark.parametrize(
    ("subject", "sequence", "expected"),
    [
        pytest.param(CARE_FLOW.encode(), b"0000000007", CARE_FLOW, id="an event of a care flow"),
        pytest.param(CARE_FLOW.encode(), None, None, id="an event of a patient, which has no number"),
        pytest.param(None, b"0000000007", None, id="an event without a subject"),
        pytest.param(b"seven", b"0000000007", None, id="a subject that is no id of ours"),
        pytest.param(None, None, None, id="nothing at all"),
    ],
)
def test_a_numbered_event_s_subject_is_its_care_flow(
    subject: bytes | None, sequence: bytes | None, expected: str | None
) -> None:
    assert care_flow_of(subject, sequence) == expected


def test_a_delivery_carries_its_care_flow_through_every_hop_into_the_log() -> None:
    delivery = a_delivery(care_flow_id=CARE_FLOW).forwarded().attempted(5).retried(1, 9)
    read = Delivery.of(delivery.endpoint_id.encode(), delivery.body, delivery.headers())
    assert read.care_flow_id == CARE_FLOW
    entry = LogEntry.of(read, End(EndStatus.DELIVERED), 7)
    assert LogEntry.decode(entry.encode()).care_flow_id == CARE_FLOW


def test_an_entry_of_an_earlier_release_belongs_to_no_care_flow() -> None:
    written = orjson.loads(LogEntry.of(a_delivery(), End(EndStatus.DELIVERED), 7).encode())
    del written["care_flow_id"]
    assert LogEntry.decode(orjson.dumps(written)).care_flow_id is None


def test_that_a_receiver_may_have_seen_it_is_remembered_over_every_hop() -> None:
    assert not Delivery.of(b"e", b"", a_delivery().headers()).replayed
    again = a_delivery(epoch=3, replayed=True).forwarded().attempted(5).retried(1, 9)
    assert Delivery.of(b"e", b"", again.headers()).replayed


def test_what_is_not_to_be_said_takes_no_room() -> None:
    state = orjson.loads(dict(a_delivery().headers())[STATE_HEADER])
    assert not {"care_flow_id", "replayed"} & state.keys()
