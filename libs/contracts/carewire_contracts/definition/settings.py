"""Settings of a whole care flow."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from carewire_contracts.definition.durations import Duration
from carewire_contracts.definition.nodes import NodeId
from carewire_contracts.wire import Message


class Reminders(Message):
    """How often somebody is reminded of an open activity, and after which time each."""

    amount: Annotated[int, Field(ge=1, le=100)]
    delay: Duration


class ApiCallRetrySettings(Message):
    """How failed API calls are tried again: pauses double from the first to the longest one."""

    enabled: bool = True
    initial_delay_ms: Annotated[int, Field(ge=1)] = 2_000
    max_delay_ms: Annotated[int, Field(ge=1)] = 3_600_000
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 5


class Constant(Message):
    """A value that several nodes use by its name.

    A concealed one has its value elsewhere, encrypted: everybody who may read definitions reads this document.
    """

    name: NodeId
    value: str | None = None
    concealed: bool = False

    @model_validator(mode="after")
    def _value_or_concealed(self) -> Self:
        if self.concealed and self.value is not None:
            raise ValueError("a concealed constant has no value in the document")
        if not self.concealed and self.value is None:
            raise ValueError("a constant that is not concealed needs a value")
        return self


class StakeholderEmail(Message):
    """Where a stakeholder is written to."""

    stakeholder_definition_id: NodeId
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)]


class Settings(Message):
    """What holds for every care flow of a definition."""

    reminders: Reminders | None = None
    api_call_retry_settings: ApiCallRetrySettings | None = None
    constants: tuple[Constant, ...] = ()
    stakeholder_emails: tuple[StakeholderEmail, ...] = ()
