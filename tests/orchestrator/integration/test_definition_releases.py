"""Releases: which is live, how they differ, and what they look like outside of the house."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from carewire_contracts.catalogue import CatalogueDefinition
from carewire_contracts.definition import definition_schema
from carewire_contracts.wire import decode
from carewire_runtime.ids import new_id
from carewire_testing import eventually
from carewire_testing_orchestrator.definitions import HIP
from carewire_testing_orchestrator.running import Running, read_topic


async def publish_again(orchestrator: Running, definition_id: str, **changes: Any) -> str:
    path = f"/v1/definitions/{definition_id}"
    assert (await orchestrator.api.put(path, json={**HIP, "id": definition_id, **changes})).json()["publishable"]
    release_id: str = (await orchestrator.api.post(f"{path}/publish")).json()["release_id"]
    return release_id


async def test_an_older_release_is_made_live_again_and_told(orchestrator: Running) -> None:
    definition_id, first = await orchestrator.publish()
    await publish_again(orchestrator, definition_id, title="Second")
    path = f"/v1/definitions/{definition_id}"
    made = await orchestrator.api.put(f"{path}/live", json={"release_id": first})
    assert (made.status_code, made.json()["version"]) == (200, 1)
    live = (await orchestrator.api.get(f"{path}/live")).json()
    assert (live["release_id"], live["document"]["title"]) == (first, HIP["title"])

    async def told() -> CatalogueDefinition:
        records = await read_topic(orchestrator.settings.kafka_bootstrap, orchestrator.topics.catalogue)
        key = f"definition/{definition_id}".encode()
        entry = decode(CatalogueDefinition, next(one.value for one in reversed(records) if one.key == key))
        assert entry.catalogue_version == 3
        return entry

    entry = await eventually(told)
    assert entry.live is not None
    assert (entry.live.release_id, entry.title) == (first, HIP["title"])

    started = await orchestrator.api.post(
        "/v1/care-flows",
        json={
            "definition_id": definition_id,
            "data_points": [{"data_point_definition_id": "dp_surgery", "value": "2026-03-01"}],
        },
    )
    assert started.json()["release_id"] == first


async def test_a_release_of_another_definition_is_not_made_live(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    _, other = await orchestrator.publish()
    for release_id in (other, new_id(), "live", "draft"):
        path = f"/v1/definitions/{definition_id}/live"
        assert (await orchestrator.api.put(path, json={"release_id": release_id})).status_code == 404
    for part in ("", "/export", "/graph", "/data-points"):
        found = await orchestrator.api.get(f"/v1/definitions/{definition_id}/releases/{other}{part}")
        assert found.status_code == 404


async def test_releases_are_listed_newest_first_in_pages(orchestrator: Running) -> None:
    definition_id, first = await orchestrator.publish()
    ids = [first, *[await publish_again(orchestrator, definition_id, title=f"{n}") for n in range(4)]]
    path = f"/v1/definitions/{definition_id}/releases"
    for limit in (1, 2, 5, 100):
        listed: list[str] = []
        params: dict[str, Any] | None = {"limit": limit}
        while params is not None:
            page = (await orchestrator.api.get(path, params=params)).json()
            listed += [one["release_id"] for one in page["items"]]
            params = {"limit": limit, "cursor": page["next_cursor"]} if page["next_cursor"] else None
        assert listed == ids[::-1]
    for cursor in ("a word", "", "1.5", "-1", "\u0661", "9" * 10):
        answer = await orchestrator.api.get(path, params={"cursor": cursor})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")
    assert (await orchestrator.api.get(f"/v1/definitions/{new_id()}/releases")).status_code == 404
    one = (await orchestrator.api.get(f"{path}/{ids[2]}")).json()
    assert (one["version"], one["document"]["title"]) == (3, "1")


async def test_two_releases_and_the_draft_are_compared(orchestrator: Running) -> None:
    definition_id, first = await orchestrator.publish()
    path = f"/v1/definitions/{definition_id}"
    second = await publish_again(orchestrator, definition_id, title="Second")
    await orchestrator.api.put(path, json={**HIP, "id": definition_id, "stakeholders": HIP["stakeholders"][:1]})

    found = (await orchestrator.api.get(f"{path}/diff", params={"before": first, "after": second})).json()
    assert (found["added"], found["removed"]) == ([], [])
    assert [(one["kind"], one["fields"]) for one in found["changed"]] == [
        ("definition", [{"path": "title", "before": HIP["title"], "after": "Second"}])
    ]
    default = (await orchestrator.api.get(f"{path}/diff")).json()
    assert (default["before"], default["after"]) == ("live", "draft")
    assert [one["id"] for one in default["removed"]] == ["sh_nurse"]
    assert (await orchestrator.api.get(f"{path}/diff", params={"before": new_id()})).status_code == 404


@pytest.mark.parametrize("file_format", ["json", "yaml"])
async def test_what_is_exported_is_imported_as_the_same(orchestrator: Running, file_format: str) -> None:
    definition_id, release_id = await orchestrator.publish()
    path = f"/v1/definitions/{definition_id}"
    exported = await orchestrator.api.get(f"{path}/releases/{release_id}/export", params={"format": file_format})
    assert exported.headers["content-type"].startswith(f"application/{file_format}")
    assert exported.headers["content-disposition"].endswith(f'.{file_format}"')
    assert yaml.safe_load(exported.text) == {**HIP, "id": definition_id}

    await orchestrator.api.delete(path)
    headers = {"content-type": exported.headers["content-type"]}
    imported = await orchestrator.api.post("/v1/definitions/import", content=exported.content, headers=headers)
    assert imported.json()["publishable"], imported.text
    same = (await orchestrator.api.get(f"{path}/diff")).json()
    assert (same["added"], same["removed"], same["changed"]) == ([], [], [])
    assert (await orchestrator.api.get(path)).headers["etag"] == imported.headers["etag"]


async def test_a_dry_run_tells_what_is_wrong_and_saves_nothing(orchestrator: Running) -> None:
    text = yaml.safe_dump({**HIP, "id": new_id(), "forms": []}).encode()
    headers = {"content-type": "application/yaml; charset=utf-8"}
    tried = await orchestrator.api.post(
        "/v1/definitions/import", params={"dry_run": True}, content=text, headers=headers
    )
    assert (tried.json()["revision"], tried.json()["publishable"]) == (None, False)
    assert (await orchestrator.api.get(f"/v1/definitions/{tried.json()['id']}")).status_code == 404


async def test_a_file_of_another_kind_or_of_any_length_is_refused(orchestrator: Running) -> None:
    answers = [
        await orchestrator.api.post("/v1/definitions/import", content=content, headers={"content-type": kind})
        for content, kind in [
            (b"a,b", "text/csv"),
            (b"", ""),
            (b" " * (1024 * 1024 + 1), "application/yaml"),
            (b"\xff", "application/yaml"),
            (b"a: &a [b]\nc: *a", "application/yaml"),
            (b"[]", "application/json"),
        ]
    ]
    assert [answer.status_code for answer in answers] == [415, 415, 413, 400, 422, 422]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


async def test_a_release_has_a_picture_that_runs_nothing(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish({**HIP, "title": "<script>alert(1)</script>"})
    path = f"/v1/definitions/{definition_id}/releases/live/graph"
    picture = await orchestrator.api.get(path)
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in picture.headers["content-security-policy"]
    drawn = ET.fromstring(picture.text)  # noqa: S314 (we have drawn it)
    assert "script" not in {element.tag.rpartition("}")[2] for element in drawn.iter()}
    text = await orchestrator.api.get(path, params={"format": "mermaid"})
    assert text.text.startswith("flowchart TD\n")
    assert (await orchestrator.api.get(path, params={"format": "png"})).status_code == 422


async def test_data_points_are_told_with_their_categories(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    items = (await orchestrator.api.get(f"/v1/definitions/{definition_id}/releases/live/data-points")).json()["items"]
    found = {one["key"]: (one["id"], one["category"], one["value_type"]) for one in items}
    assert found["age"] == ("dp_age", "pathway", "number")
    assert found["pain.pain_today"] == ("q_pain", "form", "number")
    assert found["pain.ActivationDate"] == ("pain.ActivationDate", "step", "date")
    assert found["follow.CompletionDate"] == ("follow.CompletionDate", "track", "date")
    assert found["patient.birth_date"] == ("patient.birth_date", "patient_profile", "date")


async def test_editors_get_the_schema_of_definitions(orchestrator: Running) -> None:
    assert (await orchestrator.api.get("/v1/definition-schema")).json() == definition_schema()
