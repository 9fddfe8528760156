"""What people do by the API, as one line each, and what they see."""

from typing import Any

import httpx

from carewire_testing_orchestrator.running import Running


class Hands:
    """Somebody who looks after one care flow."""

    def __init__(self, orchestrator: Running, care_flow: dict[str, Any]) -> None:
        self.api = orchestrator.api
        self.id = str(care_flow["id"])
        self.patient_id = str(care_flow["patient_id"])
        self.path = f"/v1/care-flows/{self.id}"

    async def post(self, path: str, body: Any = None, expected: int = 200) -> Any:
        """Do something to the care flow; answers the body."""
        return told(await self.api.post(f"{self.path}{path}", json=body), expected)

    async def get(self, path: str = "", expected: int = 200, **query: Any) -> Any:
        """Look at something of the care flow."""
        return told(await self.api.get(f"{self.path}{path}", params=query), expected)

    async def activity(self, action_id: str) -> dict[str, Any]:
        """The last activity of an action, of a timer or of a rule's place."""
        found = [one for one in (await self.get())["activities"] if action_id in (one["action_id"], one["step_id"])]
        return dict(found[-1])

    async def do(self, action_id: str, verb: str, body: Any = None, expected: int = 200) -> Any:
        """Do something to the last activity of an action."""
        activity = await self.activity(action_id)
        return told(await self.api.post(f"/v1/activities/{activity['id']}/{verb}", json=body), expected)

    async def changes(self) -> list[dict[str, Any]]:
        """The whole timeline, page by page."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            query: dict[str, Any] = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
            page = await self.get("/timeline", **query)
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found


def told(answer: httpx.Response, expected: int) -> Any:
    """The body of an answer that has the status expected."""
    assert answer.status_code == expected, answer.text
    return answer.json() if answer.content else None


async def begun(orchestrator: Running, document: dict[str, Any], **more: Any) -> Hands:
    """Publish a definition and start a care flow of it."""
    definition_id, _ = await orchestrator.publish(document)
    body = {"definition_id": definition_id, **more}
    return Hands(orchestrator, told(await orchestrator.api.post("/v1/care-flows", json=body), 201))
