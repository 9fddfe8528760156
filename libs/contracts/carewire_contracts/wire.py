"""Models to bytes and back.

What was set is written, nulls included; what was never set is absent. So a field that the reference
calls "optional-present" needs no second model, and a reader ignores the fields that it doesn't know.
"""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """Base of everything that travels as JSON: frozen, lenient to read, strict to write."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings")

    def model_post_init(self, context: Any, /) -> None:  # noqa: ARG002 - pydantic's signature
        """Count defaults of literal fields as set, so that a discriminator is always written."""
        for name in ("event_type", "status", "type"):
            if name in type(self).model_fields:
                self.__pydantic_fields_set__.add(name)


AnyMessage = TypeVar("AnyMessage", bound=BaseModel)


def encode(message: BaseModel) -> bytes:
    """Write a model as JSON in UTF-8: the bytes that Kafka holds and that a signature covers."""
    return message.model_dump_json(exclude_unset=True, by_alias=True).encode()


def decode(model: type[AnyMessage], data: bytes) -> AnyMessage:
    """Read a model from JSON.

    Raises pydantic.ValidationError where the bytes are no such message. Its text holds values: show
    its `errors(include_input=False)`, never the text.
    """
    return model.model_validate_json(data)
