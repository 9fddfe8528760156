"""Timer nodes: places of a track where it waits."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from carewire_contracts.definition.durations import Duration, Offset
from carewire_contracts.definition.nodes import NodeId, Title
from carewire_contracts.wire import Message


class _Timer(Message):
    """Staff may end a timer's wait by hand where it is `skippable`."""

    id: NodeId
    key: NodeId
    title: Title
    skippable: bool = True


class DelayTimer(_Timer):
    """Wait for a while."""

    type: Literal["delay"] = "delay"
    delay: Duration


class DateTimer(_Timer):
    """Wait until the date that a data point holds, or some time before or after it.

    `time_of_day` (`HH:MM`) is in the patient's time zone, in UTC where that is not known; without it the moment
    is that of the date itself.
    """

    type: Literal["data_point_reference"] = "data_point_reference"
    data_point_definition_id: NodeId
    offset: Offset | None = None
    time_of_day: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] | None = None


class AwaitedDataPointTimer(_Timer):
    """Wait until a data point is collected, no longer than the timeout."""

    type: Literal["data_point_awaited"] = "data_point_awaited"
    data_point_definition_id: NodeId
    timeout: Duration | None = None


Timer: TypeAlias = Annotated[DelayTimer | DateTimer | AwaitedDataPointTimer, Field(discriminator="type")]
