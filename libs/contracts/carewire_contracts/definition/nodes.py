"""What every node of a definition has: an id, and a name for people."""

from typing import Annotated

from pydantic import Field

NodeId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.\-]+$")]
Title = Annotated[str, Field(min_length=1, max_length=512)]
Labels = tuple[Annotated[str, Field(min_length=1, max_length=128)], ...]
"""Words by which designers find their nodes again; they mean nothing to a running care flow."""
