"""`carewire listen`: a temporary endpoint at a running deployment, whose events are shown here or passed on."""

import json
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from carewire_local.deployment import dispatcher_of
from carewire_local.errors import LocalError
from carewire_local.event_listener import EventListener, Heard
from carewire_local.event_types import known
from carewire_local.management_api import ManagementApi
from carewire_local.progress import say

LISTENING = "carewire listen on"
"""How the names of temporary endpoints begin, before the machine and the process."""


@dataclass(frozen=True)
class Wish:
    """What to listen to: event types (none: every domain event), the local URL that gets them, and where to listen.

    `via` is a URL that leads to `port` of this machine, for deployments that cannot reach its loopback.
    """

    event_types: Sequence[str] = ()
    forward_to: str | None = None
    port: int = 0
    via: str | None = None


def run(folder: Path, wish: Wish) -> int:
    """Listen until Ctrl-C, and remove the endpoint then. Returns the exit code."""
    event_types = known(wish.event_types)
    with dispatcher_of(folder) as dispatcher, EventListener(wish.forward_to, _show(wish), wish.port) as listener:
        _remove_left_over(dispatcher)
        url = wish.via or f"http://127.0.0.1:{listener.port}/"
        with _endpoint(dispatcher, url, event_types) as endpoint:
            listener.secret = endpoint["secret"]
            # Not before: a deployment may ask the receiver for an answer that only the secret's owner can verify.
            dispatcher.post(f"/v1/endpoints/{endpoint['id']}/enable")
            _greet(endpoint, wish)
            # Main says of the servers that they are stopped, but these are not ours.
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
    say("Stopped listening; the endpoint is removed.")
    return 0


@contextmanager
def _endpoint(dispatcher: ManagementApi, url: str, event_types: Sequence[str]) -> Iterator[Any]:
    name = f"{LISTENING} {socket.gethostname()}, process {os.getpid()}"
    wanted = {"name": name, "url": url, "event_types": list(event_types) or None, "enabled": False}
    endpoint = dispatcher.post("/v1/endpoints", wanted)
    try:
        yield endpoint
    finally:
        dispatcher.delete(f"/v1/endpoints/{endpoint['id']}")


def _remove_left_over(dispatcher: ManagementApi) -> None:
    """Remove the endpoints of listeners of this machine that were killed."""
    ours = f"{LISTENING} {socket.gethostname()}, process "
    for endpoint in dispatcher.all("/v1/endpoints"):
        process = endpoint["name"].removeprefix(ours)
        if endpoint["name"].startswith(ours) and process.isdigit() and not psutil.pid_exists(int(process)):
            with suppress(LocalError):
                dispatcher.delete(f"/v1/endpoints/{endpoint['id']}")


def _greet(endpoint: Any, wish: Wish) -> None:
    what = ", ".join(wish.event_types) or "every domain event"
    say(f"Listening to {what}. Ctrl-C ends it and removes the endpoint {endpoint['id']}.")
    if wish.forward_to is not None:
        say(f"Each call is passed on to {wish.forward_to} as it is; its answer is the endpoint's.")
    say("To verify signatures, for as long as this runs:")
    say(f"  export WEBHOOK_SECRET={endpoint['secret']}")
    say("Try it from another terminal: carewire trigger pathway.completed")


def _show(wish: Wish) -> Any:
    def show(heard: Heard) -> None:
        moment = datetime.now().astimezone().strftime("%H:%M:%S")
        event = _event(heard.body)
        kind = event.get("event_type", "?") if isinstance(event, dict) else "?"
        took = f" in {heard.took_s * 1000:.0f} ms" if wish.forward_to is not None else ""
        say(f"{moment}  {kind:<26} {heard.webhook_id}  {heard.answer} {_phrase(heard.answer)}{took}")
        if heard.why is not None:
            say(f"          {heard.why}")
        if wish.forward_to is None:
            say(json.dumps(event, indent=2, ensure_ascii=False))

    return show


def _event(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
