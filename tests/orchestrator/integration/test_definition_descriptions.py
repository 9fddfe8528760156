"""What the routes of definitions answer is what the OpenAPI document says of them."""

from typing import Any

import httpx
import jsonschema

from carewire_runtime.ids import new_id
from carewire_testing_orchestrator.definitions import HIP
from carewire_testing_orchestrator.running import Running

ONE = "/v1/definitions/{definition_id}"
RELEASE = f"{ONE}/releases/{{release_id}}"


def faults(described: dict[str, Any], path: str, answer: httpx.Response) -> list[str]:
    """In what an answer differs from its description."""
    operation = described["paths"][path][answer.request.method.lower()]
    told = operation["responses"].get(str(answer.status_code))
    if told is None:
        return [f"{answer.status_code} is not told of"]
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if kind not in told.get("content", {"": {}}):
        return [f"{kind} is not told of"]
    if not kind.endswith("json"):
        return []
    schema = {**described, "asked": told["content"][kind]["schema"], "$ref": "#/asked"}
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(answer.json())]


async def test_every_answer_is_as_it_is_described(orchestrator: Running) -> None:
    api = orchestrator.api
    described = (await api.get("/openapi.json")).json()
    definition_id, release_id = await orchestrator.publish()
    known = {"definition_id": definition_id, "release_id": release_id}
    unknown = dict.fromkeys(known, new_id())
    draft = {**HIP, "id": definition_id, "forms": []}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/v1/definitions", {}),
        ("GET", "/v1/definitions", {"params": {"limit": 0}}),
        ("GET", "/v1/definition-schema", {}),
        ("GET", "/v1/audit", {}),
        ("GET", f"{ONE}/diff", {}),
        ("PUT", ONE, {"json": draft}),
        ("PUT", ONE, {"json": draft, "headers": {"if-none-match": "*"}}),
        ("PUT", ONE, {"json": {**draft, "documentation": "x" * 1024 * 1024}}),
        ("PUT", ONE, {"json": {**draft, "id": "other"}}),
        ("PUT", ONE, {"content": b"\xff", "headers": {"content-type": "application/json"}}),
        ("GET", ONE, {}),
        ("POST", f"{ONE}/validate", {}),
        ("POST", f"{ONE}/validate", {"headers": {"idempotency-key": "a b"}}),
        ("POST", f"{ONE}/publish", {}),
        ("POST", f"{ONE}/publish", {"headers": {"if-match": "other"}}),
        ("GET", f"{ONE}/live", {}),
        ("PUT", f"{ONE}/live", {"json": {"release_id": release_id}}),
        ("PUT", f"{ONE}/live", {"json": {}}),
        ("GET", f"{ONE}/releases", {}),
        ("GET", RELEASE, {}),
        ("GET", f"{RELEASE}/export", {"params": {"format": "json"}}),
        ("GET", f"{RELEASE}/export", {"params": {"format": "yaml"}}),
        ("GET", f"{RELEASE}/graph", {"params": {"format": "svg"}}),
        ("GET", f"{RELEASE}/graph", {"params": {"format": "mermaid"}}),
        ("GET", f"{RELEASE}/graph", {"params": {"format": "png"}}),
        ("GET", f"{RELEASE}/data-points", {}),
        ("POST", "/v1/definitions/import", {"json": draft}),
        ("POST", "/v1/definitions/import", {"content": b"", "headers": {"content-type": "text/csv"}}),
        ("POST", "/v1/definitions/import", {"json": draft, "params": {"dry_run": True}}),
        ("POST", "/v1/definitions/import", {"json": []}),
        ("DELETE", ONE, {"headers": {"if-match": "other"}}),
        ("DELETE", ONE, {}),
    ]
    for method, path, more in calls:
        answer = await api.request(method, path.format(**known), **more)
        assert faults(described, path, answer) == [], (method, path, answer.text)
        nobody = {name: value for name, value in more.items() if name != "headers"}
        if "{" in path and "json" not in nobody:
            answer = await api.request(method, path.format(**unknown), **nobody)
            assert faults(described, path, answer) == [], (method, path, answer.text)
