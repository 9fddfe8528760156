import pytest

from carewire_ingress.adapters.arrival import Arrival
from carewire_testing_ingress.played import Played


def arrival(path: str = "/hooks/token", **headers: str) -> Arrival:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Arrival.of(Played(path.encode(), headers=raw).exchange)


@pytest.mark.parametrize(
    ("path", "token", "is_test", "route"),
    [
        ("/hooks/abc", "abc", False, "/hooks/{token}"),
        ("/hooks/abc/", "abc", False, "/hooks/{token}"),
        ("/hooks/abc/test", "abc", True, "/hooks/{token}/test"),
        ("/hooks/abc/other", None, False, "/hooks/{token}"),
        ("/hooks/abc/test/more", None, False, "/hooks/{token}"),
        ("/hooks/", "", False, "/hooks/{token}"),
    ],
)
def test_a_path_leads_to_a_token(path: str, token: str | None, is_test: bool, route: str) -> None:
    found = arrival(path)
    assert (found.token, found.is_test, found.route) == (token, is_test, route)


@pytest.mark.parametrize(
    ("content_type", "readable"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/fhir+json", True),
        ("application/x-www-form-urlencoded", True),
        ("", True),
        ("text/xml", False),
        ("multipart/form-data; boundary=x", False),
    ],
)
def test_json_and_forms_are_readable(content_type: str, readable: bool) -> None:
    assert arrival(content_type=content_type).is_readable is readable


def test_without_a_content_type_a_body_counts_as_json() -> None:
    assert arrival().is_readable


@pytest.mark.parametrize(("encoding", "readable"), [("identity", True), ("", True), ("gzip", False), ("br", False)])
def test_compressed_bodies_are_not_read(encoding: str, readable: bool) -> None:
    assert arrival(content_encoding=encoding).is_readable is readable


@pytest.mark.parametrize(("length", "declared"), [("12", 12), ("-1", None), ("x", None), ("²", None)])
def test_a_length_counts_only_if_it_is_one(length: str, declared: int | None) -> None:
    assert arrival(content_length=length).declared_length == declared


def test_a_traceparent_counts_only_if_it_is_well_formed() -> None:
    good = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
    assert arrival(traceparent=good).traceparent == good
    assert arrival(traceparent=good + "-more").traceparent == good
    assert arrival(traceparent=good + "!").traceparent is None
    assert arrival(traceparent="a record number").traceparent is None
    assert arrival().traceparent is None


def test_only_headers_that_may_be_start_keys_are_passed_on() -> None:
    found = arrival(idempotency_key="k", x_delivery="d", authorization="secret")
    assert found.start_key_headers(None) == {"idempotency-key": "k"}
    assert found.start_key_headers("x-delivery") == {"idempotency-key": "k", "x-delivery": "d"}
