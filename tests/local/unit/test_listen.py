"""`carewire listen`: an endpoint for as long as somebody listens, and what is shown of each event."""

import os
import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_local import listen
from carewire_local.errors import NoSuchEvent, RequestRefused
from carewire_local.event_listener import Heard
from carewire_local.listen import Wish
from carewire_testing_local import FakeApi, Opened

SECRET = "whsec_of-this-endpoint"
BODY = EVENT_CATALOGUE["pathway.completed"].example
NAME = f"carewire listen on {socket.gethostname()}, process "


class Listener:
    """Listens to nobody."""

    port = 5_000
    secret: str | None = None


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    made = FakeApi()
    made.answers = {
        "POST /v1/endpoints": {"id": "ep1", "secret": SECRET},
        "POST /v1/endpoints/ep1/enable": {"id": "ep1"},
        "DELETE /v1/endpoints/ep1": None,
    }
    monkeypatch.setattr(listen, "dispatcher_of", lambda _: Opened(made))
    return made


@pytest.fixture
def hears(monkeypatch: pytest.MonkeyPatch) -> list[Heard]:
    """What comes while somebody listens, until Ctrl-C."""
    heard: list[Heard] = []
    tells: list[Callable[[Heard], None]] = []
    listener = Listener()

    def made(_forward_to: str | None, tell: Callable[[Heard], None], _port: int) -> Opened:
        tells.append(tell)
        return Opened(listener)

    def wait() -> None:
        assert listener.secret == SECRET
        for one in heard:
            tells[0](one)
        raise KeyboardInterrupt

    monkeypatch.setattr(listen, "EventListener", made)
    monkeypatch.setattr(threading, "Event", lambda: SimpleNamespace(wait=wait))
    return heard


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_the_endpoint_is_there_for_as_long_as_somebody_listens(
    api: FakeApi, hears: list[Heard], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listen.run(tmp_path, Wish(("pathway.completed", "form.submitted"))) == 0
    assert api.asked == [
        "LIST /v1/endpoints",
        "POST /v1/endpoints",
        "POST /v1/endpoints/ep1/enable",
        "DELETE /v1/endpoints/ep1",
    ]
    assert api.bodies["POST /v1/endpoints"] == {
        "name": f"{NAME}{os.getpid()}",
        "url": "http://127.0.0.1:5000/",
        "event_types": ["pathway.completed", "form.submitted"],
        "enabled": False,
    }
    lines = printed(capsys)
    assert lines[0].startswith("Listening to pathway.completed, form.submitted. Ctrl-C ends it")
    assert f"  export WEBHOOK_SECRET={SECRET}" in lines
    assert lines[-1] == "Stopped listening; the endpoint is removed."


def test_without_types_every_domain_event_is_listened_to(
    api: FakeApi, hears: list[Heard], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listen.run(tmp_path, Wish())
    assert api.bodies["POST /v1/endpoints"]["event_types"] is None
    assert printed(capsys)[0].startswith("Listening to every domain event.")


def test_a_deployment_elsewhere_is_told_the_way_that_leads_here(
    api: FakeApi, hears: list[Heard], tmp_path: Path
) -> None:
    listen.run(tmp_path, Wish(port=5_000, via="https://tunnel.example/me"))
    assert api.bodies["POST /v1/endpoints"]["url"] == "https://tunnel.example/me"


def test_an_event_is_shown_with_its_type_its_id_and_its_payload(
    api: FakeApi, hears: list[Heard], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hears.append(Heard("msg-1", BODY, 204, 0.001))
    listen.run(tmp_path, Wish())
    text = "\n".join(printed(capsys))
    assert re.search(r"^\d\d:\d\d:\d\d  pathway\.completed +msg-1  204 No Content$", text, re.MULTILINE)
    assert '    "pathway_definition_id": "hip-surgery-follow-up",' in text


def test_what_is_passed_on_is_shown_with_its_answer_and_without_its_payload(
    api: FakeApi, hears: list[Heard], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hears.append(Heard("msg-1", BODY, 502, 0.0031, "http://l/ does not answer (ConnectError); it is tried again"))
    listen.run(tmp_path, Wish(forward_to="http://l/"))
    text = "\n".join(printed(capsys))
    assert "msg-1  502 Bad Gateway in 3 ms" in text
    assert "          http://l/ does not answer (ConnectError); it is tried again" in text
    assert "pathway_definition_id" not in text


@pytest.mark.parametrize("body", [b"\xff", b"[]", b'"text"'], ids=["no JSON", "a list", "a text"])
def test_a_body_that_is_no_event_is_shown_too(
    api: FakeApi, hears: list[Heard], tmp_path: Path, capsys: pytest.CaptureFixture[str], body: bytes
) -> None:
    hears.append(Heard("msg-1", body, 299, 0.001))
    listen.run(tmp_path, Wish())
    assert any(re.match(r"\d\d:\d\d:\d\d  \? +msg-1  299 ", line) for line in printed(capsys))


def test_an_endpoint_that_a_killed_listener_left_behind_is_removed(
    api: FakeApi, hears: list[Heard], tmp_path: Path
) -> None:
    api.lists["/v1/endpoints"] = [
        {"id": "dead", "name": f"{NAME}4194304"},
        {"id": "living", "name": f"{NAME}{os.getpid()}"},
        {"id": "elsewhere", "name": "carewire listen on another-machine, process 4194304"},
        {"id": "a-user-s", "name": "Billing"},
    ]
    listen.run(tmp_path, Wish())
    deleted = [asked for asked in api.asked if asked.startswith("DELETE")]
    # The stand-in refuses to delete what is gone already, and that does no harm.
    assert deleted == ["DELETE /v1/endpoints/dead", "DELETE /v1/endpoints/ep1"]


def test_an_endpoint_that_is_refused_is_said_to_be_and_nothing_is_left(
    api: FakeApi, hears: list[Heard], tmp_path: Path
) -> None:
    del api.answers["POST /v1/endpoints"]
    with pytest.raises(RequestRefused):
        listen.run(tmp_path, Wish())
    assert api.asked == ["LIST /v1/endpoints", "POST /v1/endpoints"]


def test_an_endpoint_that_cannot_be_enabled_is_removed(api: FakeApi, hears: list[Heard], tmp_path: Path) -> None:
    del api.answers["POST /v1/endpoints/ep1/enable"]
    with pytest.raises(RequestRefused):
        listen.run(tmp_path, Wish())
    assert api.asked[-1] == "DELETE /v1/endpoints/ep1"


def test_a_type_that_there_is_not_is_told_with_what_may_be_meant(api: FakeApi, tmp_path: Path) -> None:
    with pytest.raises(NoSuchEvent, match=r"no event type 'pathway.complete'\. Did you mean pathway\.completed"):
        listen.run(tmp_path, Wish(("pathway.complete",)))
    assert api.asked == []
