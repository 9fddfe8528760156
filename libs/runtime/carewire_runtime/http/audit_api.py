"""`GET /v1/audit`: the audit records of a service, for admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from carewire_contracts.timestamps import Timestamp
from carewire_runtime.audit import AuditFilter, audit_page
from carewire_runtime.auth import Principal, Role, require
from carewire_runtime.http.cursor import Cursor, cursor_after
from carewire_runtime.postgres.pool import Database

_Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
_Id = Annotated[str, Field(max_length=200)]


class AuditQuery(BaseModel):
    """Which records are asked for; all conditions hold together."""

    model_config = ConfigDict(extra="forbid")

    subject_kind: _Id | None = Field(None, description="such as `webhook` or `request`")
    subject_id: _Id | None = Field(None, description="what was changed or looked at")
    principal_id: _Id | None = Field(None, description="id of the API key")
    action: _Id | None = Field(None, description="such as `webhook.enable`")
    since: Timestamp | None = Field(None, description="from this moment on (RFC 3339)")
    until: Timestamp | None = Field(None, description="before this moment (RFC 3339)")
    limit: int = Field(50, ge=1, le=200, description="how many at most")
    cursor: Cursor | None = None


class AuditRecord(BaseModel):
    """One deed. The principal is told as it was then."""

    id: str
    at: Timestamp
    principal_id: str
    principal_name: str
    principal_role: Role
    action: str
    subject_kind: str
    subject_id: str
    trace_id: str | None


class AuditPage(BaseModel):
    """A page of records; `next_cursor` is null on the last one."""

    items: list[AuditRecord]
    next_cursor: str | None


def audit_router(db: Database) -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/v1/audit", tags=["audit"])

    @router.get("", summary="List who did what, newest first")
    async def page(asked: Annotated[AuditQuery, Query()], _: _Admin) -> AuditPage:
        """List changes of the configuration, resubmissions, and looks at payloads."""
        parts = ("subject_kind", "subject_id", "principal_id", "action", "since", "until")
        wanted = AuditFilter(**{part: getattr(asked, part) for part in parts})
        after = None if asked.cursor is None else str(asked.cursor)
        rows = await audit_page(db, wanted, after, asked.limit + 1)
        items = [AuditRecord(**row) for row in rows[: asked.limit]]
        return AuditPage(items=items, next_cursor=cursor_after(items[-1].id) if len(rows) > asked.limit else None)

    return router
