"""Examples of what the routes of patients answer."""

from collections.abc import Mapping
from typing import Any, Final

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


def _page(item: Any) -> dict[str, Any]:
    return {"items": [item], "next_cursor": None}


def _problem(status: int, title: str, detail: str, **more: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}


_INVALID: Final = {
    "422": _problem(
        422,
        "Invalid values",
        "some values are missing or do not fit their definitions",
        errors=[{"field": "profile.birth_date", "message": "must be a day, such as 1961-07-04"}],
    )
}
_UNKNOWN: Final = {"404": _problem(404, "Not found", "there is no such patient")}
_DELETED_BEFORE: Final = {
    "410": _problem(
        410,
        "Deleted",
        "the patient was deleted; until they are erased, an admin can restore them",
        code="patient_deleted",
    )
}
_OF_ONE: Final = {"200": _PATIENT, **_UNKNOWN, **_DELETED_BEFORE}
_TAKEN: Final = {
    "409": _problem(
        409,
        "Identity conflict",
        "identifiers belong to other patients; if they are one person, merge them "
        "(POST /v1/patients/{patient_id}/merge), else leave these identifiers out",
        code="identity_conflict",
        errors=[{"field": "identifiers.0", "message": "another patient has this identifier"}],
        patient_ids=[_OTHER_ID],
    )
}
_ACTIVE: Final = {
    "409": _problem(
        409,
        "Not possible now",
        "the patient has active care flows; stop them, or delete with stop_care_flows",
        code="active_care_flows",
    )
}
_UPSERTED: Final = {"created": False, "patient": _PATIENT}

_ALL: Final = "/v1/patients"
_ONE: Final = "/v1/patients/{patient_id}"

PATIENT_EXAMPLES: Final[dict[str, Mapping[str, Any]]] = {
    f"POST {_ALL}": {"201": _PATIENT, **_INVALID, **_TAKEN},
    f"GET {_ALL}": {"200": _page(_PATIENT)},
    f"POST {_ALL}/upsert": {"200": _UPSERTED, "201": {**_UPSERTED, "created": True}, **_INVALID, **_TAKEN},
    f"POST {_ALL}/by-identifier": {
        "200": _PATIENT,
        "404": _problem(404, "Not found", "no patient has this identifier"),
    },
    f"POST {_ALL}/search": {"200": _page(_PATIENT)},
    f"GET {_ALL}/deleted": {"200": _page(_DELETED)},
    f"GET {_ONE}": _OF_ONE,
    f"PATCH {_ONE}": {**_OF_ONE, **_INVALID},
    f"DELETE {_ONE}": {"200": _DELETED, **_UNKNOWN, **_ACTIVE},
    f"POST {_ONE}/restore": {"200": _PATIENT, **_UNKNOWN, **_TAKEN},
    f"POST {_ONE}/merge": {**_OF_ONE, "200": _MERGED},
    f"POST {_ONE}/identifiers": {**_OF_ONE, **_TAKEN},
    f"PUT {_ONE}/identifiers": {**_OF_ONE, **_TAKEN},
    f"POST {_ONE}/identifiers/remove": _OF_ONE,
}
"""By operation and status, as in `openapi_examples.json`."""
