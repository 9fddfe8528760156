"""Care flows and webhooks that end-to-end tests send through the house."""

import secrets
from typing import Any

from carewire_testing_e2e.house import SYSTEM


def instant_definition() -> dict[str, Any]:
    """A care flow that tells its patient something and is completed at once, of a new id."""
    message = {
        "id": "tell",
        "type": "message",
        "title": "Welcome",
        "stakeholder_definition_ids": ["patient"],
        "subject": "Welcome",
        "body": "Nothing is to be done.",
    }
    step = {"id": "welcome", "key": "welcome", "title": "Welcome", "actions": [message]}
    start, end = {"type": "track_start"}, {"type": "track_end"}
    here = {"type": "step", "node_id": "welcome"}
    transitions = [
        {"id": "begin", "origin": start, "destination": here},
        {"id": "end", "origin": here, "destination": end},
    ]
    track = {"id": "only", "key": "only", "title": "Only", "steps": [step], "transitions": transitions}
    return {
        "id": f"instant-{secrets.token_hex(4)}",
        "title": "Instant",
        "stakeholders": [{"id": "patient", "label": "Patient", "clinical_app_role": "Patient"}],
        "tracks": [track],
        "triggers": [{"id": "at_start", "target_id": "only", "settings": {"type": "pathway_started"}}],
    }


def webhook_of(definition: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An incoming webhook that starts it, without any mapping."""
    return {"name": f"webhook {secrets.token_hex(4)}", "definition_id": definition["id"], **more}


def payload_of(value: str) -> dict[str, Any]:
    """A payload that names its patient at the root."""
    return {"patient_identifier": {"system": SYSTEM, "value": value}}
