"""`If-Match` and `If-None-Match` as a parameter of routes that change drafts."""

from typing import Annotated

from fastapi import Depends, Header

from carewire_orchestrator.domain.definition_revision import Precondition, read_precondition


def _precondition(
    if_match: Annotated[
        str | None, Header(max_length=1024, description="the `ETag` of the draft that is meant")
    ] = None,
    if_none_match: Annotated[str | None, Header(max_length=1024, description="`*`: only where there is none")] = None,
) -> Precondition:
    return read_precondition(if_match, if_none_match)


Given = Annotated[Precondition, Depends(_precondition)]
"""The condition under which a draft is changed; a change that does not fulfil it is answered with 412."""
