"""A group whose coordinator cannot tell yet what it has committed is asked again, not taken for a new one."""

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, GroupLoadInProgressError
from aiokafka.protocol.commit import OffsetFetchResponse_v3

from carewire_runtime.kafka import admin

COMMITTED = [("topic", [(1, 42, "metadata", 0)])]
LOADING = GroupLoadInProgressError.errno
FORBIDDEN = GroupAuthorizationFailedError.errno


class Client:
    """Gives one answer after the other."""

    def __init__(self, answers: Sequence[tuple[list[Any], int]]) -> None:
        self._answers = iter(answers)

    async def find_coordinator(self, _: str) -> int:
        return 1

    async def _send_request(self, *_: object) -> OffsetFetchResponse_v3:
        topics, code = next(self._answers)
        return OffsetFetchResponse_v3(0, topics, code)


@pytest.mark.parametrize(
    "first", [([], LOADING), ([("topic", [(1, -1, "", LOADING)])], 0)], ids=["the whole answer", "a partition"]
)
async def test_while_its_offsets_are_loaded_it_is_asked_again(first: tuple[list[Any], int]) -> None:
    client: Any = Client([first, (COMMITTED, 0)])
    offsets = await admin._group_offsets(client, "group")
    assert {place: (one.offset, one.metadata) for place, one in offsets.items()} == {
        TopicPartition("topic", 1): (42, "metadata")
    }


async def test_a_group_that_has_committed_nothing_has_no_offsets() -> None:
    client: Any = Client([([], 0)])
    assert await admin._group_offsets(client, "group") == {}


async def test_what_does_not_pass_by_itself_is_raised() -> None:
    client: Any = Client([([], FORBIDDEN)])
    with pytest.raises(GroupAuthorizationFailedError):
        await admin._group_offsets(client, "group")
