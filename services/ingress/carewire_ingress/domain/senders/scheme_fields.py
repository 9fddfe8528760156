"""What the fields of a scheme may hold. A message says how to mend a value and never holds it."""

from collections.abc import Callable
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from carewire_ingress.domain.senders.sender_secrets import MAX_SECRETS, check_secret
from carewire_ingress.domain.senders.signed_template import HEADER_NAME


def problem(message: str) -> PydanticCustomError:
    """The error that tells this message as it stands."""
    return PydanticCustomError("invalid_sender", "{message}", {"message": message})


def checked(read: Callable[[str], object]) -> AfterValidator:
    """A text that `read` can read: its ValueError is told."""

    def check(value: str) -> str:
        try:
            read(value)
        except ValueError as error:
            raise problem(str(error)) from None
        return value

    return AfterValidator(check)


def checked_secret(read: Callable[[str], object]) -> AfterValidator:
    """A secret that `read` can read: its ValueError is told."""

    def check(value: SecretStr) -> SecretStr:
        try:
            read(value.get_secret_value())
        except ValueError as error:
            raise problem(str(error)) from None
        return value

    return AfterValidator(check)


def _header_name(name: str) -> None:
    if not HEADER_NAME.fullmatch(name):
        raise ValueError("not the name of an HTTP header; write it like X-Signature")


def _user_name(user: str) -> None:
    if not user or ":" in user or not user.isprintable():
        raise ValueError("a user name is not empty and has no colon; write it as the sender sends it")


def _prefix(prefix: str) -> None:
    if not (prefix.isascii() and prefix.isprintable()):
        raise ValueError("a prefix has letters, digits and signs of ASCII alone; write it as the sender sends it")


Secret: TypeAlias = Annotated[SecretStr, checked_secret(check_secret)]
HeaderName: TypeAlias = Annotated[str, checked(_header_name)]
UserName: TypeAlias = Annotated[str, Field(max_length=256), checked(_user_name)]
Prefix: TypeAlias = Annotated[str, Field(max_length=64), checked(_prefix)]

WRITE_ONLY: Final = Field(
    default=(),
    max_length=MAX_SECRETS,
    exclude=True,
    repr=False,
    description="the newest first; two at once while the sender changes its own. Never given back; left out, the "
    "stored ones stay",
    json_schema_extra={"writeOnly": True},
)
