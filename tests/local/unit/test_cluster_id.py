"""The id of a new Kafka cluster."""

import base64

from carewire_local.kafka_server import new_cluster_id


def test_a_cluster_id_is_128_bits_and_never_looks_like_an_option() -> None:
    ids = {new_cluster_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(len(base64.urlsafe_b64decode(each + "==")) == 16 for each in ids)
    assert not any(each.startswith("-") for each in ids)
