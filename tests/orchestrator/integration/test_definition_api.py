"""Definitions and identifier systems by the API, and what ingress hears of them."""

from typing import Any

from carewire_contracts.catalogue import CatalogueDefinition, CatalogueIdentifierSystem
from carewire_contracts.definition import CareFlowDefinition
from carewire_contracts.wire import decode
from carewire_runtime.ids import new_id
from carewire_testing import eventually
from carewire_testing_orchestrator.definitions import HIP
from carewire_testing_orchestrator.running import Running, read_topic


async def last_record(orchestrator: Running, key: str) -> bytes:
    """The latest catalogue record of a key."""

    async def there() -> bytes | None:
        records = await read_topic(orchestrator.settings.kafka_bootstrap, orchestrator.topics.catalogue)
        return next((one.value for one in reversed(records) if one.key == key.encode()), None)

    found = await eventually(there)
    assert found is not None
    return found


async def test_a_published_release_is_live_and_told(orchestrator: Running) -> None:
    definition_id, release_id = await orchestrator.publish()
    live = (await orchestrator.api.get(f"/v1/definitions/{definition_id}/live")).json()
    assert (live["release_id"], live["version"]) == (release_id, 1)
    assert CareFlowDefinition.model_validate(live["document"]) == CareFlowDefinition.model_validate(
        {**HIP, "id": definition_id}
    )
    told = decode(CatalogueDefinition, await last_record(orchestrator, f"definition/{definition_id}"))
    assert told.live is not None
    assert told.live.release_id == release_id
    assert [point.key for point in told.live.data_points] == ["surgery_date", "age", "side"]


async def test_callers_are_not_asked_for_what_calculations_and_api_calls_find_out(orchestrator: Running) -> None:
    found_out = [
        {"id": f"by_{category}", "key": category, "title": category, "value_type": "number", "category": category}
        for category in ("calculation", "api_call")
    ]
    definition_id, _ = await orchestrator.publish({**HIP, "data_points": [*HIP["data_points"], *found_out]})
    told = decode(CatalogueDefinition, await last_record(orchestrator, f"definition/{definition_id}"))
    assert told.live is not None
    assert [point.key for point in told.live.data_points] == ["surgery_date", "age", "side"]


async def test_a_new_draft_changes_nothing_until_it_is_published(orchestrator: Running) -> None:
    definition_id, release_id = await orchestrator.publish()
    draft = {**HIP, "id": definition_id, "title": "Renamed"}
    await orchestrator.api.put(f"/v1/definitions/{definition_id}", json=draft)
    live = (await orchestrator.api.get(f"/v1/definitions/{definition_id}/live")).json()
    assert (live["release_id"], live["document"]["title"]) == (release_id, HIP["title"])

    second = (await orchestrator.api.post(f"/v1/definitions/{definition_id}/publish")).json()
    assert second["version"] == 2
    found = (await orchestrator.api.get(f"/v1/definitions/{definition_id}")).json()
    assert (found["title"], found["live"]["release_id"]) == ("Renamed", second["release_id"])

    async def told() -> bool:
        record = await last_record(orchestrator, f"definition/{definition_id}")
        return decode(CatalogueDefinition, record).catalogue_version == 2

    await eventually(told)


async def test_a_definition_with_errors_is_saved_but_not_published(orchestrator: Running) -> None:
    definition_id = new_id()
    broken: dict[str, Any] = {**HIP, "id": definition_id, "triggers": HIP["triggers"], "forms": []}
    saved = await orchestrator.api.put(f"/v1/definitions/{definition_id}", json=broken)
    assert saved.json()["publishable"] is False
    checked = await orchestrator.api.post(f"/v1/definitions/{definition_id}/validate")
    assert saved.json() == {**checked.json(), "id": definition_id, "revision": 1}
    refused = await orchestrator.api.post(f"/v1/definitions/{definition_id}/publish")
    assert refused.status_code == 422
    assert {(one["code"], one["node_id"]) for one in refused.json()["problems"]} >= {
        ("NOT_FOUND", "act_pain"),
        ("NOT_FOUND", "t4"),
    }
    assert (await orchestrator.api.get(f"/v1/definitions/{definition_id}/live")).status_code == 404
    assert (await orchestrator.api.post("/v1/definitions/nobody/publish")).status_code == 404


async def test_the_id_in_the_path_is_the_definitions_own(orchestrator: Running) -> None:
    assert (await orchestrator.api.put("/v1/definitions/other", json=HIP)).status_code == 422


async def test_definitions_are_listed_in_pages(orchestrator: Running) -> None:
    ids = sorted([(await orchestrator.publish())[0] for _ in range(3)])
    listed: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await orchestrator.api.get("/v1/definitions", params=params)).json()
        listed += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert listed == sorted(listed)
    assert set(ids) <= set(listed)


async def test_an_identifier_system_is_registered_once_and_told(orchestrator: Running) -> None:
    system, name = f"https://{new_id()}.example/mrn", new_id()
    body = {"system": system, "name": name, "display_name": "MRN", "placeholder_pattern": "UNKNOWN"}
    assert (await orchestrator.api.post("/v1/identifier-systems", json=body)).status_code == 201
    told = decode(CatalogueIdentifierSystem, await last_record(orchestrator, f"identifier-system/{system}"))
    assert (told.name, told.placeholder_pattern) == (name, "UNKNOWN")

    for field, other in (("system", {"name": new_id()}), ("name", {"system": system + "/2"})):
        again = await orchestrator.api.post("/v1/identifier-systems", json={**body, **other})
        assert again.status_code == 409
        assert again.json()["errors"][0]["field"] == field
    listed = (await orchestrator.api.get("/v1/identifier-systems")).json()["items"]
    assert system in [one["system"] for one in listed]


async def test_a_malformed_identifier_system_is_refused_with_every_reason(orchestrator: Running) -> None:
    body = {"system": "not a url", "name": "", "display_name": "x", "placeholder_pattern": "("}
    answer = await orchestrator.api.post("/v1/identifier-systems", json=body)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"system", "name", "placeholder_pattern"}
