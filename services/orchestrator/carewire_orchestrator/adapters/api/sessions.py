"""/v1/sessions: the time in which one stakeholder does what is theirs to do."""

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from carewire_orchestrator.adapters.api.accesses import Accesses
from carewire_orchestrator.adapters.api.activity_view import ActivityView, view_activity
from carewire_orchestrator.adapters.api.callers import Operator, Viewer
from carewire_orchestrator.adapters.store.sessions import Found, Links, Sessions
from carewire_orchestrator.domain.session import SessionStatus, pending
from carewire_runtime.http.traced import traced


def _link(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_link = parts.scheme in ("https", "http") and parts.hostname and parts.username is None
    except ValueError:
        is_link = False
    if not is_link:
        raise ValueError("must be an absolute https:// or http:// URL without a user name")
    return url


Link = Annotated[str, Field(max_length=2000), AfterValidator(_link)]
Id = Annotated[str, Field(min_length=1, max_length=128)]


class SessionBody(BaseModel):
    """Whose session to start in which care flow; without a stakeholder, the patient's."""

    model_config = ConfigDict(hide_input_in_errors=True)

    care_flow_id: Id
    stakeholder_definition_id: Id | None = None
    success_url: Link | None = None
    cancel_url: Link | None = None


class TokenBody(BaseModel):
    """The token of a session."""

    model_config = ConfigDict(hide_input_in_errors=True)

    token: Annotated[str, Field(min_length=1, max_length=256, repr=False)]


class SessionStakeholderView(BaseModel):
    """Whose session it is."""

    id: str
    type: Literal["patient", "stakeholder"]


class SessionView(BaseModel):
    """A session; `pending` is how many activities are left to do in it."""

    id: str
    care_flow_id: str
    stakeholder: SessionStakeholderView
    status: SessionStatus
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    success_url: str | None
    cancel_url: str | None
    pending: int


class StartedSession(SessionView):
    """A session with its token, which goes into URLs as it is and is shown this one time."""

    token: str


class OpenSession(SessionView):
    """A session that may be used, with what is left to do in it."""

    activities: list[ActivityView]


class SessionApi:
    """The routes. Whoever shows pages to a stakeholder holds an operator's key, and knows the session by its token."""

    def __init__(self, sessions: Sessions, accesses: Accesses) -> None:
        self._sessions = sessions
        self._accesses = accesses

    def router(self) -> APIRouter:
        """The routes under /v1/sessions."""
        router = APIRouter(prefix="/v1/sessions", tags=["sessions"], dependencies=[Depends(traced)])
        router.add_api_route(
            "", self.start, methods=["POST"], status_code=201, summary="Start a session of a stakeholder"
        )
        router.add_api_route("/{session_id}", self.find, methods=["GET"], summary="A session")
        router.add_api_route(
            "/open", self.open, methods=["POST"], summary="The session of a token (by POST, so that no URL holds it)"
        )
        return router

    async def start(self, body: SessionBody, by: Operator) -> StartedSession:
        """Start a session.

        It ends when nothing is left for the stakeholder to do in the care flow, or when nothing was done in it for an
        hour (a setting).
        """
        links = Links(body.success_url, body.cancel_url)
        found, token = await self._sessions.start(body.care_flow_id, body.stakeholder_definition_id, links, by)
        return StartedSession(**dict(_view(found)), token=token)

    async def find(self, session_id: str, by: Viewer) -> SessionView:
        """Get a session by its id."""
        found = await self._sessions.find(session_id)
        await self._accesses.note(by, "session.view", [found.care_flow.patient_id])
        return _view(found)

    async def open(self, body: TokenBody, by: Operator) -> OpenSession:
        """Get the session of a token with what is left to do in it; one that has ended is refused."""
        found = await self._sessions.find_by_token(body.token)
        await self._accesses.note(by, "session.open", [found.care_flow.patient_id])
        release, care_flow = found.release, found.care_flow
        left = [view_activity(release, care_flow, one) for one in pending(release, care_flow, found.session.whose)]
        return OpenSession(**dict(_view(found)), activities=left)


def _view(found: Found) -> SessionView:
    session = found.session
    return SessionView(
        id=session.id,
        care_flow_id=session.care_flow_id,
        stakeholder=SessionStakeholderView(id=session.whose.id, type=session.whose.type),
        status=session.status,
        created_at=session.created_at,
        expires_at=session.expires_at,
        ended_at=session.ended_at,
        success_url=session.success_url,
        cancel_url=session.cancel_url,
        pending=len(pending(found.release, found.care_flow, session.whose)),
    )
