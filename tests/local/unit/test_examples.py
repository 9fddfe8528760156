"""The examples fit together: each webhook maps what its care flow asks for, each payload is sent as never before."""

import pytest

from carewire_contracts.definition import CareFlowDefinition
from carewire_local.examples import EXAMPLES, IDENTIFIER_SYSTEM, RECEIVER, Example, new_answers, new_order

ALL = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


@ALL
def test_a_webhook_maps_every_required_data_point_of_its_care_flow_and_no_other(example: Example) -> None:
    definition = CareFlowDefinition.model_validate(example.definition)
    mapped = set(example.webhook["mapping"])
    assert {point.id for point in definition.data_points if not point.optional} <= mapped
    assert mapped <= {point.id for point in definition.data_points}
    assert example.webhook["definition_id"] == definition.id


@ALL
def test_a_webhook_takes_its_start_key_from_the_payload(example: Example) -> None:
    assert example.webhook["start_key"]["path"].startswith("$.")


def test_every_order_has_an_id_and_a_patient_of_its_own_and_is_else_the_same() -> None:
    one, other = new_order(), new_order()
    assert one["id"] != other["id"]
    assert one["subject"]["identifier"]["value"] != other["subject"]["identifier"]["value"]
    assert one["subject"]["identifier"]["system"] == IDENTIFIER_SYSTEM["system"]
    assert one["code"] == other["code"]


def test_every_response_has_a_token_of_its_own_and_the_patient_that_was_asked_for() -> None:
    one, other = new_answers("NC-1"), new_answers("NC-1")
    assert one["form_response"]["token"] != other["form_response"]["token"]
    assert one["form_response"]["hidden"]["mrn"] == "NC-1"


def test_the_receiver_uses_nothing_of_ours() -> None:
    source = RECEIVER.read_text("utf-8")
    assert "from standardwebhooks" in source
    assert "import carewire" not in source
    assert "from carewire" not in source
