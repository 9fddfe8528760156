"""Models to bytes and back.

What was set is written, nulls included; what was never set is absent. So a field that the reference
calls "optional-present" needs no second model, and a reader ignores the fields that it doesn't know.
"""

from typing import Any, ClassVar, Final, TypeVar

from pydantic import BaseModel, ConfigDict

_DISCRIMINATORS: Final = frozenset({"event_type", "status", "type"})


class Message(BaseModel):
    """Base of everything that travels as JSON: frozen, lenient to read, strict to write."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings")

    _always_written: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Find the discriminators once a class: looking for them in each message would cost more than the rest."""
        super().__pydantic_init_subclass__(**kwargs)
        cls._always_written = _DISCRIMINATORS & cls.model_fields.keys()

    def model_post_init(self, context: Any, /) -> None:  # noqa: ARG002 - pydantic's signature
        """Count defaults of literal fields as set, so that a discriminator is always written."""
        if self._always_written:
            self.__pydantic_fields_set__.update(self._always_written)


AnyMessage = TypeVar("AnyMessage", bound=BaseModel)


def encode(message: BaseModel) -> bytes:
    """Write a model as JSON in UTF-8: the bytes that Kafka holds and that a signature covers."""
    # What model_dump_json does, without making a string of the bytes on the way.
    return message.__pydantic_serializer__.to_json(message, exclude_unset=True, by_alias=True)


def decode(model: type[AnyMessage], data: bytes) -> AnyMessage:
    """Read a model from JSON.

    Raises pydantic.ValidationError where the bytes are no such message. Its text holds values: show
    its `errors(include_input=False)`, never the text.
    """
    return model.model_validate_json(data)
