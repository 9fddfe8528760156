"""How each route of patients may end, with an example of every answer, for the OpenAPI document."""

from collections.abc import Iterable
from typing import Any, Final

from carewire_orchestrator.adapters.api.patient_forms import UpsertedView
from carewire_runtime.http.problem import MEDIA_TYPE

_ID: Final = "01995f3a-7c40-7a55-8c21-0b9d4e7f1202"
_OTHER_ID: Final = "01995f3a-7c40-7a55-8c21-0b9d4e7f1203"
_CREATED: Final = "2026-03-02T08:15:30.120000Z"
_PATIENT: Final = {
    "id": _ID,
    "created_at": _CREATED,
    "identifiers": [{"system": "https://north-clinic.example/mrn", "value": "NC-004217"}],
    "profile": {
        "email": "iris@example.org",
        "first_name": "Iris",
        "last_name": "Example",
        "name": None,
        "sex": "FEMALE",
        "birth_date": "1961-07-04",
        "phone": None,
        "mobile_phone": "+3225550101",
        "preferred_language": "nl",
        "patient_code": None,
        "national_registry_number": None,
        "patient_timezone": "Europe/Brussels",
        "address": {"street": "Kerkstraat 1", "city": "Gent", "zip": "9000", "state": None, "country": "BE"},
    },
}
_DELETED: Final = {
    "id": _ID,
    "created_at": _CREATED,
    "deleted_at": "2026-05-03T09:00:00Z",
    "restorable_until": "2026-06-02T09:00:00Z",
}
_MERGED: Final = {
    "patient": _PATIENT,
    "transferred_care_flow_ids": ["01995f3b-0000-7a55-8c21-0b9d4e7f1204"],
    "transferred_count": 1,
}


def _page(item: Any) -> Any:
    # Not null, as on a last page: FastAPI leaves nulls out of examples, and this field is always there.
    return {"items": [item], "next_cursor": _ID}


def _problem(status: int, title: str, detail: str | None, **more: Any) -> dict[str, Any]:
    said = {} if detail is None else {"detail": detail}
    return {"type": "about:blank", "title": title, "status": status, **said, **more}


_PROBLEMS: Final[dict[str, dict[str, Any]]] = {
    "unauthenticated": _problem(401, "Not authenticated", "the API key is not valid"),
    "forbidden": _problem(403, "Not allowed", "this needs the role operator; the key has viewer"),
    "invalid": _problem(
        422,
        "Invalid values",
        "some values are missing or do not fit their definitions",
        errors=[{"field": "profile.birth_date", "message": "must be a day, such as 1961-07-04"}],
    ),
    "unavailable": _problem(503, "Not available", "try again"),
    "malformed": _problem(400, "Bad Request", None),
    "unknown": _problem(404, "Not found", "there is no such patient"),
    "deleted": _problem(
        410,
        "Deleted",
        "the patient was deleted; until they are erased, an admin can restore them",
        code="patient_deleted",
    ),
    "taken": _problem(
        409,
        "Identity conflict",
        "identifiers belong to other patients; if they are one person, merge them "
        "(POST /v1/patients/{patient_id}/merge), else leave these identifiers out",
        code="identity_conflict",
        errors=[{"field": "identifiers.0", "message": "another patient has this identifier"}],
        patient_ids=[_OTHER_ID],
    ),
    "active": _problem(
        409,
        "Not possible now",
        "the patient has active care flows; stop them, or delete with stop_care_flows",
        code="active_care_flows",
    ),
}
_EVERYWHERE: Final = ("unauthenticated", "forbidden", "invalid", "unavailable")
_WITH_BODY: Final = (*_EVERYWHERE, "malformed")
_OF_ONE: Final = (*_WITH_BODY, "unknown", "deleted")


def _answers(good: Any, problems: Iterable[str], status: int = 200) -> dict[int | str, dict[str, Any]]:
    answers: dict[int | str, dict[str, Any]] = {status: _content("application/json", good)}
    for name in problems:
        document = _PROBLEMS[name]
        answers[document["status"]] = _content(MEDIA_TYPE, document) | {"description": document["title"]}
    return answers


def _content(kind: str, example: Any) -> dict[str, Any]:
    return {"content": {kind: {"example": example}}}


_CREATED_VIEW: Final = {"description": "The patient was created", "model": UpsertedView}
_UPSERTED: Final = {"created": False, "patient": _PATIENT}

ANSWERS: Final[dict[str, dict[int | str, dict[str, Any]]]] = {
    "POST ": _answers(_PATIENT, (*_WITH_BODY, "taken"), 201),
    "GET ": _answers(_page(_PATIENT), _EVERYWHERE),
    "POST /upsert": _answers(_UPSERTED, (*_WITH_BODY, "taken"))
    | {201: _CREATED_VIEW | _content("application/json", _UPSERTED | {"created": True})},
    "POST /by-identifier": _answers(_PATIENT, (*_WITH_BODY, "unknown")),
    "POST /search": _answers(_page(_PATIENT), _WITH_BODY),
    "GET /deleted": _answers(_page(_DELETED), _EVERYWHERE),
    "GET /{patient_id}": _answers(_PATIENT, (*_EVERYWHERE, "unknown", "deleted")),
    "PATCH /{patient_id}": _answers(_PATIENT, _OF_ONE),
    "DELETE /{patient_id}": _answers(_DELETED, (*_EVERYWHERE, "unknown", "active")),
    "POST /{patient_id}/restore": _answers(_PATIENT, (*_WITH_BODY, "unknown", "taken")),
    "POST /{patient_id}/merge": _answers(_MERGED, _OF_ONE),
    "POST /{patient_id}/identifiers": _answers(_PATIENT, (*_OF_ONE, "taken")),
    "PUT /{patient_id}/identifiers": _answers(_PATIENT, (*_OF_ONE, "taken")),
    "POST /{patient_id}/identifiers/remove": _answers(_PATIENT, _OF_ONE),
}
"""By method and path below `/v1/patients`."""
