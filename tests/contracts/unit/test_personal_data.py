"""Which fields of which event may hold personal data: the whole list, so that a new field is a decision.

A field that is added to an event has to be entered here or not, and either is a promise to those who redact.
"""

import pytest

from carewire_contracts.event_catalogue import EVENT_CATALOGUE

OF_A_CARE_FLOW = {"pathway.patient_identifiers[].value"}
OF_AN_ACTIVITY = OF_A_CARE_FLOW | {
    "activity.form",
    "activity.inputs",
    "activity.outputs",
    "activity.metadata",
    "activity.object.name",
    "activity.object.email",
    "activity.indirect_object.name",
    "activity.indirect_object.email",
    "activity.stakeholders[].name",
    "activity.stakeholders[].email",
    "activity.sub_activities[].object.name",
    "activity.sub_activities[].object.email",
    "user_context.stytch_member_email",
}
OF_A_SESSION = OF_A_CARE_FLOW | {"session.success_url", "session.cancel_url"}
OF_A_PATIENT = {
    "patient.profile.identifier[].value",
    "patient.profile.name",
    "patient.profile.first_name",
    "patient.profile.last_name",
    "patient.profile.sex",
    "patient.profile.birth_date",
    "patient.profile.email",
    "patient.profile.phone",
    "patient.profile.mobile_phone",
    "patient.profile.patient_code",
    "patient.profile.national_registry_number",
    "patient.profile.address.street",
    "patient.profile.address.city",
    "patient.profile.address.zip",
    "patient.profile.address.state",
}
NOTHING: set[str] = set()

TABLE: dict[str, set[str]] = {
    "pathway.started": OF_A_CARE_FLOW,
    "pathway.stopped": OF_A_CARE_FLOW | {"reason"},
    "pathway.completed": OF_A_CARE_FLOW,
    "pathway.deleted": OF_A_CARE_FLOW,
    "activity.created": OF_AN_ACTIVITY,
    "activity.updated": OF_AN_ACTIVITY,
    "activity.completed": OF_AN_ACTIVITY,
    "activity.failed": OF_AN_ACTIVITY,
    "activity.expired": OF_AN_ACTIVITY,
    "activity.deleted": OF_AN_ACTIVITY,
    "form.submitted": OF_A_CARE_FLOW | {"response[].value", "response[].label"},
    "data_point.collected": OF_A_CARE_FLOW | {"data_point.value", "data_point.label"},
    "reminder.created": OF_A_CARE_FLOW | {"reminder.recipient_profile.name", "reminder.recipient_profile.email"},
    "session.started": OF_A_SESSION,
    "session.completed": OF_A_SESSION,
    "session.expired": OF_A_SESSION,
    "track.started": OF_A_CARE_FLOW,
    "track.completed": OF_A_CARE_FLOW,
    "track.stopped": OF_A_CARE_FLOW,
    "clinical_note.created": OF_A_CARE_FLOW | {"clinical_note.narratives[].body", "clinical_note.context"},
    "patient.created": OF_A_PATIENT,
    "patient.updated": OF_A_PATIENT,
    "patient.deleted": OF_A_PATIENT,
    "incoming_webhook.request.scheduled": NOTHING,
    "incoming_webhook.request.processing": NOTHING,
    "incoming_webhook.request.succeeded": NOTHING,
    "incoming_webhook.request.failed": NOTHING,
    "incoming_webhook.request.rejected": NOTHING,
    "incoming_webhook.request.tested": NOTHING,
    "endpoint.warning": NOTHING,
    "endpoint.disabled": NOTHING,
    "endpoint.recovered": NOTHING,
    "endpoint.heartbeat": NOTHING,
}


def test_every_event_is_decided_upon() -> None:
    assert set(TABLE) == set(EVENT_CATALOGUE)


@pytest.mark.parametrize("name", TABLE)
def test_an_event_marks_these_fields_and_no_other(name: str) -> None:
    assert set(EVENT_CATALOGUE[name].personal_fields) == TABLE[name]


@pytest.mark.parametrize("name", TABLE)
def test_the_list_is_sorted_and_names_each_field_once(name: str) -> None:
    fields = EVENT_CATALOGUE[name].personal_fields
    assert list(fields) == sorted(set(fields))
