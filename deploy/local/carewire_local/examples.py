"""The examples of the project: care flows, the webhooks that start them, payloads, and a receiver."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "examples"
RECEIVER = FOLDER / "receivers" / "python" / "receiver.py"

IDENTIFIER_SYSTEM = {
    "system": "https://north-clinic.example/mrn",
    "name": "north-clinic-mrn",
    "display_name": "North clinic, medical record number",
    "placeholder_pattern": "UNKNOWN|N/A|0+",
}


@dataclass(frozen=True)
class Example:
    """One care flow, the webhook that starts it, and a payload as its sender sends it."""

    name: str
    payload_file: str

    @property
    def definition(self) -> Any:
        """The care-flow definition."""
        return _load("definitions", f"{self.name}.json")

    @property
    def webhook(self) -> Any:
        """The incoming webhook with its mapping."""
        return _load("incoming-webhooks", f"{self.name}.json")

    @property
    def payload(self) -> Any:
        """The payload of the sender, as stored."""
        return _load("payloads", self.payload_file)


HIP_SURGERY = Example("hip-surgery-follow-up", "fhir-service-request.json")
MOOD_SCREENING = Example("mood-screening", "typeform-mood-screening.json")
EXAMPLES = (HIP_SURGERY, MOOD_SCREENING)


def new_order() -> Any:
    """A FHIR ServiceRequest that was never sent before: an order id and a patient of its own."""
    mark = secrets.token_hex(4)
    payload = HIP_SURGERY.payload
    payload["id"] = f"hip-followup-{mark}"
    payload["subject"]["identifier"]["value"] = f"NC-{mark}"
    return payload


def new_answers(patient_mrn: str) -> Any:
    """A Typeform response of a patient that was never sent before."""
    payload = MOOD_SCREENING.payload
    payload["form_response"]["token"] = secrets.token_hex(8)
    payload["form_response"]["hidden"]["mrn"] = patient_mrn
    return payload


def _load(*parts: str) -> Any:
    return json.loads(FOLDER.joinpath(*parts).read_bytes())
