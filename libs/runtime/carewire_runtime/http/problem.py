"""Errors as problem documents (RFC 9457), `application/problem+json`, never holding a value that was sent."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from carewire_runtime.errors import CarewireError, StatementFailed, UnknownKey
from carewire_runtime.http.field_names import declared_names, field_name
from carewire_runtime.telemetry.logs import logger

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER_S: Final = 2
_MOST_FIELD_ERRORS: Final = 100
_INSTEAD: Final[Mapping[str, str]] = {
    "union_tag_invalid": "Input is of an unknown kind",
    "uuid_parsing": "Input should be a valid UUID",
    "url_parsing": "Input should be a valid URL",
}
"""What is said where pydantic's own message would repeat some of the input."""

_UNSTORABLE: Final = frozenset({"22021", "22P05"})
"""What Postgres says of a text with NUL in it: it is good JSON, so only the database notices."""

_log = logger("http")


class Problem(Exception):
    """An answer that is an error. `title` is the same for each occurrence of a type, `detail` is not."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str | None = None,
        *,
        type: str = "about:blank",  # noqa: A002 (the standard's name)
        headers: Mapping[str, str] | None = None,
        retry_after_s: int | None = None,
        **more: Any,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["retry-after"] = str(retry_after_s)
        self.document: dict[str, Any] = {"type": type, "title": title, "status": status}
        if detail is not None:
            self.document["detail"] = detail
        self.document |= more

    def body(self) -> bytes:
        """Return the document as JSON."""
        return orjson.dumps(self.document)

    def response(self) -> Response:
        """Return it as a response."""
        return Response(self.body(), self.status, self.headers, MEDIA_TYPE)


def answer_with_problems(app: FastAPI, routers: Sequence[APIRouter] = ()) -> None:
    """Have the app answer every error with a problem document. Name the routers that it includes: it hides them."""
    app.state.routers = routers
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(CarewireError, _on_our_error)
    app.add_exception_handler(Exception, _on_fault)


def _on_problem(_: Request, error: Exception) -> Response:
    return error.response() if isinstance(error, Problem) else _fault().response()


def _on_invalid_request(request: Request, error: Exception) -> Response:
    found: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else ()
    body = error.body if isinstance(error, RequestValidationError) else None
    declared = _declared(request.app)
    errors = [
        {"field": field_name(problem["loc"][1:], body, declared), "message": _message(problem)}
        for problem in found[:_MOST_FIELD_ERRORS]
    ]
    return Problem(
        422, "Invalid request", "the request does not have the form that this route takes", errors=errors
    ).response()


def _declared(app: FastAPI) -> frozenset[str]:
    """The names of all fields that the app takes or gives, looked up at the first need."""
    known: frozenset[str] | None = getattr(app.state, "declared_names", None)
    if known is None:
        routers: Sequence[APIRouter] = app.state.routers
        all_routes = [*app.routes, *(route for router in routers for route in router.routes)]
        routes = [route for route in all_routes if isinstance(route, APIRoute)]
        taken = [route.body_field.field_info.annotation for route in routes if route.body_field is not None]
        known = app.state.declared_names = declared_names([*taken, *(route.response_model for route in routes)])
    return known


def _message(problem: Any) -> str:
    return _INSTEAD.get(problem["type"], str(problem["msg"]))


def _on_http_exception(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    return Problem(status, HTTPStatus(status).phrase, headers=headers).response()


def _on_our_error(request: Request, error: Exception) -> Response:
    if isinstance(error, CarewireError) and error.retriable:
        _log.warning("request_not_served", route=_route(request), error=error)
        return Problem(503, "Not available", "try again", retry_after_s=_RETRY_AFTER_S).response()
    if isinstance(error, UnknownKey):
        # Nothing is lost, and whoever runs the service can mend it: its message names the key and the cure.
        _log.error("key_missing", route=_route(request), error=error)
        return Problem(503, "Encryption key missing", str(error)).response()
    if isinstance(error, StatementFailed) and error.sqlstate in _UNSTORABLE:
        return Problem(422, "Invalid request", "a text holds the character NUL, which cannot be stored").response()
    return _on_fault(request, error)


def _on_fault(request: Request, error: Exception) -> Response:
    _log.error("request_failed", route=_route(request), method=request.method, error=error)
    return _fault().response()


def _fault() -> Problem:
    return Problem(500, "Internal error", "the fault is ours and was logged")


def _route(request: Request) -> str:
    return getattr(request.scope.get("route"), "path", "none")
