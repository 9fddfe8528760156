"""Who calls: the holder of an API key, with at least the role that a route takes."""

from typing import Annotated

from fastapi import Depends

from carewire_runtime.auth import Principal, Role, require

Viewer = Annotated[Principal, Depends(require(Role.VIEWER))]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
