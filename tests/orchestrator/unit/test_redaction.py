"""What people send and read of a patient stays out of reprs, from the API's models to the rows of Postgres."""

from datetime import UTC, datetime

import pytest

from carewire_contracts.identifiers import Identifier
from carewire_contracts.values import ValueType
from carewire_orchestrator.adapters.api.activities import AnswersBody
from carewire_orchestrator.adapters.api.care_flow_views import GivenDataPoint
from carewire_orchestrator.adapters.api.patient_forms import (
    AddressBody,
    IdentifierBody,
    NewPatient,
    ProfileBody,
    SearchBody,
)
from carewire_orchestrator.adapters.store.reading import CollectedDataPoint
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.patient import Patient
from carewire_orchestrator.domain.patient_identifiers import IdentifierChange
from carewire_orchestrator.domain.patient_merge import AlreadyMerged, Merged
from carewire_runtime.phi import Phi

CANARY = "CANARY-5e1d"
PATIENT = Patient(
    "id",
    datetime.now(UTC),
    identifiers={("system", b"print"): Identifier("system", CANARY)},
    profile={"email": CANARY, "address": {"city": CANARY}},
)
CARRIERS = [
    AnswersBody(answers={CANARY: CANARY}),
    GivenDataPoint(data_point_definition_id="dp", value=CANARY),
    IdentifierBody(system="https://clinic.example/mrn", value=CANARY),
    CollectedDataPoint("id", "dp", "string", Phi(CANARY), datetime.now(UTC)),
    PATIENT,
    Merged(PATIENT),
    AlreadyMerged(PATIENT),
    IdentifierChange({("system", b"print"): Identifier("system", CANARY)}, (), {}),
    ProfileBody(email=CANARY, address=AddressBody(city=CANARY)),
    NewPatient(profile=ProfileBody(first_name=CANARY)),
    SearchBody(last_name=CANARY, birth_date="1961-07-04"),
    SearchBody(patient_code=CANARY),
    GivenValue("dp", ValueType.STRING, CANARY),
    Identifier("https://clinic.example/mrn", CANARY),
]


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: type(carrier).__name__)
def test_its_repr_is_without_the_value(carrier: object) -> None:
    assert CANARY not in f"{carrier!r} {carrier}"
