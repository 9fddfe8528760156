"""The routes that send logged requests again: one, or many."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends

from carewire_ingress.adapters.request_forms import (
    MOST_COUNTED,
    ManyResubmitted,
    ResubmissionOutcome,
    ResubmitMany,
    Resubmitted,
)
from carewire_ingress.adapters.request_reader import RequestReader
from carewire_ingress.adapters.resubmitter import Outcome, Refused, Resubmitter, Scheduled
from carewire_ingress.domain.request_filter import RequestFilter
from carewire_ingress.domain.resubmission import Obstacle
from carewire_runtime.auth import Principal, Role, require
from carewire_runtime.http.cursor import cursor_after
from carewire_runtime.http.problem import Problem
from carewire_runtime.http.traced import traced

_Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]

_STATUS_CODES = {
    Obstacle.UNKNOWN_REQUEST: 404,
    Obstacle.NOT_RESUBMITTABLE: 409,
    Obstacle.PAYLOAD_NOT_KEPT: 409,
    Obstacle.WEBHOOK_DELETED: 409,
    Obstacle.TOO_LARGE: 413,
}
_RETRY_AFTER_S = 2


class ResubmissionApi:
    """The routes under /v1/requests that write."""

    def __init__(self, resubmitter: Resubmitter, reader: RequestReader) -> None:
        self._resubmitter = resubmitter
        self._reader = reader

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/v1/requests", tags=["requests"], dependencies=[Depends(traced)])
        router.add_api_route(
            "/resubmit", self.many, methods=["POST"], summary="Send many rejected or failed requests again"
        )
        router.add_api_route(
            "/{request_id}/resubmit",
            self.one,
            methods=["POST"],
            status_code=202,
            summary="Send a rejected or failed request again",
        )
        return router

    async def one(self, request_id: UUID, caller: _Operator) -> Resubmitted:
        """Judge the request by its webhook's present mapping and the live release; two clicks start one care flow."""
        original = str(request_id)
        outcome = (await self._resubmitter.resubmit([original], caller))[original]
        if isinstance(outcome, Scheduled):
            return Resubmitted(request_id=outcome.request_id, resubmission_of=original)
        raise _problem(outcome)

    async def many(self, wanted: Annotated[ResubmitMany, Body()], caller: _Operator) -> ManyResubmitted:
        """Send requests again and tell the outcome of each; with filters, go on at `next_cursor`."""
        if wanted.ids is not None:
            outcomes = await self._resubmitter.resubmit([str(one) for one in wanted.ids], caller)
            return ManyResubmitted(items=_listed(outcomes), remaining=0, next_cursor=None)
        found = wanted.filters.wanted() if wanted.filters is not None else RequestFilter()
        return await self._found(found, None if wanted.cursor is None else str(wanted.cursor), wanted.limit, caller)

    async def _found(self, wanted: RequestFilter, after: str | None, limit: int, caller: Principal) -> ManyResubmitted:
        able = wanted.among_resubmittable()
        ids = [row["id"] for row in await self._reader.page(able, after, limit)]
        outcomes = await self._resubmitter.resubmit(ids, caller)
        remaining = await self._reader.count(able, ids[-1], MOST_COUNTED) if ids else 0
        cursor = cursor_after(ids[-1]) if remaining else None
        return ManyResubmitted(items=_listed(outcomes), remaining=remaining, next_cursor=cursor)


def _problem(outcome: Outcome) -> Problem:
    if isinstance(outcome, Refused):
        detail = "No care flow was started; `reasons` says everything that has to change before it is sent again."
        reasons = [reason.as_dict() for reason in outcome.reasons]
        return Problem(422, "Payload rejected", detail, request_id=outcome.request_id, reasons=reasons)
    if isinstance(outcome, Obstacle):
        return Problem(_STATUS_CODES[outcome], "Not sent again", outcome.remedy, reason=outcome.value)
    return Problem(
        503,
        "Not accepted",
        "Kafka did not confirm the request in time. Send it again: it starts one care flow at most.",
        retry_after_s=_RETRY_AFTER_S,
    )


def _listed(outcomes: dict[str, Outcome]) -> list[ResubmissionOutcome]:
    return [_outcome(request_id, outcome) for request_id, outcome in outcomes.items()]


def _outcome(request_id: str, outcome: Outcome) -> ResubmissionOutcome:
    if isinstance(outcome, Scheduled):
        return ResubmissionOutcome(request_id=request_id, outcome="scheduled", resubmitted_as=outcome.request_id)
    if isinstance(outcome, Refused):
        reasons = [reason.as_dict() for reason in outcome.reasons]
        return ResubmissionOutcome(
            request_id=request_id, outcome="rejected", resubmitted_as=outcome.request_id, reasons=reasons
        )
    detail = outcome.remedy if isinstance(outcome, Obstacle) else None
    return ResubmissionOutcome(request_id=request_id, outcome=outcome, detail=detail)
