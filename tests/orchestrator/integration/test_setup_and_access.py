"""What `setup` makes, what `serve` refuses without it, and who may do what."""

from dataclasses import dataclass

import pytest

from carewire_local.stack import Stack
from carewire_orchestrator import app
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.auth import ApiKeys, Role
from carewire_runtime.errors import SetupMissing
from carewire_runtime.postgres.pool import Database
from carewire_testing_orchestrator.calls import MRN
from carewire_testing_orchestrator.running import Running, settings_for


@dataclass
class Keys:
    viewer: str
    operator: str


@pytest.fixture
async def keys(settings: OrchestratorSettings) -> Keys:
    db = Database(settings.postgres_dsn, app.NAME)
    await db.start()
    try:
        api_keys = ApiKeys(db)
        return Keys(await api_keys.create("viewer", Role.VIEWER), await api_keys.create("operator", Role.OPERATOR))
    finally:
        await db.stop()


async def test_setup_can_be_repeated(settings: OrchestratorSettings) -> None:
    await app.setup(settings)


async def test_serve_refuses_to_start_where_setup_has_not_run(stack: Stack, database_dsn: str) -> None:
    settings = settings_for(stack.kafka_bootstrap, database_dsn, "never-set-up-")
    with pytest.raises(SetupMissing, match="setup"):
        async with app.serve(settings, frozenset({app.API})):
            pass


async def test_each_role_may_do_its_own_and_no_more(orchestrator: Running, keys: Keys) -> None:
    def as_(key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    definition_id, _ = await orchestrator.publish()
    point = {"data_point_definition_id": "dp_surgery", "value": "2026-03-01"}
    await orchestrator.register_systems()
    body = {
        "definition_id": definition_id,
        "data_points": [point],
        "create_patient": True,
        "patient_identifier": {"system": MRN, "value": "seen-by-few"},
    }
    api = orchestrator.api
    assert (await api.post("/v1/care-flows", json=body, headers=as_(keys.viewer))).status_code == 403
    started = await api.post("/v1/care-flows", json=body, headers=as_(keys.operator))
    assert started.status_code == 201
    publish = f"/v1/definitions/{definition_id}/publish"
    assert (await api.post(publish, headers=as_(keys.operator))).status_code == 403
    assert (await api.get("/v1/definitions", headers=as_("nobody"))).status_code == 401

    patient = f"/v1/patients/{started.json()['patient_id']}"
    seen = (await api.get(patient, headers=as_(keys.viewer))).json()
    assert seen["identifiers"] == [{"system": MRN, "value": None}]
    seen = (await api.get(patient, headers=as_(keys.operator))).json()
    assert seen["identifiers"] == [{"system": MRN, "value": "seen-by-few"}]


async def test_identifiers_are_nowhere_in_clear_in_the_database_rows_that_stay(orchestrator: Running) -> None:
    rows = await orchestrator.query("SELECT sealed_value, encode(fingerprint, 'escape') AS f FROM patient_identifier")
    assert all("seen-by-few" not in row["sealed_value"] + row["f"] for row in rows)
