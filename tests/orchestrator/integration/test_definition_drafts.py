"""Drafts: who may overwrite what, what becomes of one that is discarded, and who is told to have done it."""

import asyncio
from typing import Any

from carewire_runtime.ids import new_id
from carewire_testing_orchestrator.definitions import HIP
from carewire_testing_orchestrator.running import Running


def hip(definition_id: str, **changes: Any) -> dict[str, Any]:
    return {**HIP, "id": definition_id, **changes}


async def put(orchestrator: Running, document: dict[str, Any], **headers: str) -> Any:
    return await orchestrator.api.put(f"/v1/definitions/{document['id']}", json=document, headers=headers)


async def test_a_draft_counts_its_revisions_and_is_known_by_its_tag(orchestrator: Running) -> None:
    definition_id = new_id()
    first = await put(orchestrator, hip(definition_id))
    second = await put(orchestrator, hip(definition_id, title="Renamed"))
    assert [one.json()["revision"] for one in (first, second)] == [1, 2]
    assert first.headers["etag"] != second.headers["etag"]
    found = await orchestrator.api.get(f"/v1/definitions/{definition_id}")
    assert found.headers["etag"] == second.headers["etag"]
    assert (found.json()["revision"], found.json()["draft"]["title"]) == (2, "Renamed")


async def test_a_draft_that_somebody_else_has_changed_is_not_overwritten(orchestrator: Running) -> None:
    definition_id = new_id()
    seen = (await put(orchestrator, hip(definition_id))).headers["etag"]
    await put(orchestrator, hip(definition_id, title="By somebody else"), **{"if-match": seen})
    path = f"/v1/definitions/{definition_id}"
    headers = {"if-match": seen}
    refused = [
        await put(orchestrator, hip(definition_id, title="Mine"), **headers),
        await orchestrator.api.delete(path, headers=headers),
        await orchestrator.api.post(f"{path}/publish", headers=headers),
        await put(orchestrator, hip(definition_id), **{"if-none-match": "*"}),
        await put(orchestrator, hip(new_id()), **{"if-match": "*"}),
    ]
    assert [answer.status_code for answer in refused] == [412] * 5
    assert {answer.headers["content-type"] for answer in refused} == {"application/problem+json"}
    assert (await orchestrator.api.get(path)).json()["title"] == "By somebody else"


async def test_of_many_who_have_seen_one_draft_one_changes_it(orchestrator: Running) -> None:
    definition_id = new_id()
    seen = (await put(orchestrator, hip(definition_id))).headers["etag"]
    answers = await asyncio.gather(
        *(put(orchestrator, hip(definition_id, title=f"Number {n}"), **{"if-match": seen}) for n in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


async def test_of_many_who_create_a_draft_one_does(orchestrator: Running) -> None:
    definition_id = new_id()
    answers = await asyncio.gather(*(put(orchestrator, hip(definition_id), **{"if-none-match": "*"}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


async def test_a_draft_may_lack_everything_but_its_name_and_is_not_published(orchestrator: Running) -> None:
    definition_id = new_id()
    saved = await put(orchestrator, {"id": definition_id, "title": "Just begun"})
    assert {one["code"] for one in saved.json()["problems"]} == {"MISSING_PATHWAY_STARTED_TRIGGER", "MISSING_STEPS"}
    assert (await orchestrator.api.post(f"/v1/definitions/{definition_id}/publish")).status_code == 422


async def test_a_field_that_would_be_lost_is_refused_by_its_place(orchestrator: Running) -> None:
    definition_id = new_id()
    document = hip(definition_id)
    document["tracks"] = [{**document["tracks"][0], "secret-word": 1, "required": True}]
    refused = await put(orchestrator, document)
    assert refused.status_code == 422
    place = list(document["tracks"][0]).index("secret-word") + 1
    assert {one["field"] for one in refused.json()["errors"]} == {f"tracks.0.(entry {place})", "tracks.0.required"}
    assert "secret-word" not in refused.text
    assert (await orchestrator.api.get(f"/v1/definitions/{definition_id}")).status_code == 404


async def test_a_draft_has_an_end(orchestrator: Running) -> None:
    answer = await put(orchestrator, hip(new_id(), documentation="x" * 1024 * 1024))
    assert answer.status_code == 413


async def test_a_discarded_draft_leaves_releases_and_nothing_else(orchestrator: Running) -> None:
    definition_id, release_id = await orchestrator.publish()
    path = f"/v1/definitions/{definition_id}"
    await put(orchestrator, hip(definition_id, title="Never published"))
    assert (await orchestrator.api.delete(path)).status_code == 204
    found = (await orchestrator.api.get(path)).json()
    assert (found["draft"], found["revision"], found["title"]) == (None, None, HIP["title"])
    assert found["live"]["release_id"] == release_id
    listed = (await orchestrator.api.get("/v1/definitions", params={"limit": 100})).json()["items"]
    assert next(one for one in listed if one["id"] == definition_id)["revision"] is None
    again = [
        await orchestrator.api.delete(path),
        await orchestrator.api.post(f"{path}/publish"),
        await orchestrator.api.post(f"{path}/validate"),
        await orchestrator.api.get(f"{path}/releases/draft/export"),
    ]
    assert [answer.status_code for answer in again] == [404] * 4
    assert (await put(orchestrator, hip(definition_id))).json()["revision"] == 4

    never_published = new_id()
    await put(orchestrator, hip(never_published))
    assert (await orchestrator.api.delete(f"/v1/definitions/{never_published}")).status_code == 204
    assert (await orchestrator.api.get(f"/v1/definitions/{never_published}")).status_code == 404


async def test_a_tag_of_a_deleted_draft_does_not_fit_another_one_of_its_number(orchestrator: Running) -> None:
    definition_id = new_id()
    seen = (await put(orchestrator, hip(definition_id))).headers["etag"]
    await orchestrator.api.delete(f"/v1/definitions/{definition_id}")
    await put(orchestrator, hip(definition_id, title="Another one"))
    assert (await put(orchestrator, hip(definition_id), **{"if-match": seen})).status_code == 412


async def test_every_change_is_recorded_with_who_made_it(orchestrator: Running) -> None:
    definition_id, first = await orchestrator.publish()
    path = f"/v1/definitions/{definition_id}"
    await orchestrator.api.post(f"{path}/publish")
    await orchestrator.api.put(f"{path}/live", json={"release_id": first})
    await orchestrator.api.put(f"{path}/live", json={"release_id": first})
    await orchestrator.api.delete(path)
    records = (await orchestrator.api.get("/v1/audit", params={"subject_id": definition_id})).json()["items"]
    assert [record["action"] for record in reversed(records)] == [
        "definition.save_draft",
        "definition.publish",
        "definition.publish",
        "definition.make_live",
        "definition.discard_draft",
    ]
    assert {record["principal_name"] for record in records} == {"bootstrap"}
