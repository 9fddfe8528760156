"""The deployment that a developer's commands talk to: the one of this machine, or another by its URL and a key."""

import os
from collections.abc import Mapping
from pathlib import Path

from carewire_local.errors import NothingRuns
from carewire_local.management_api import ManagementApi
from carewire_local.state import StateFolder

URL_VARIABLE = "CAREWIRE_DISPATCHER_URL"
KEY_VARIABLE = "CAREWIRE_API_KEY"
_OWN_KEY_VARIABLE = "CAREWIRE_BOOTSTRAP_API_KEY"
"""Whoever chose the first key of the deployment on this machine has it here."""


def dispatcher_of(folder: Path, env: Mapping[str, str] = os.environ) -> ManagementApi:
    """A client of the dispatcher that the environment names, else of the one of a state folder.

    Raises NothingRuns where neither is known.
    """
    url, key = env.get(URL_VARIABLE), env.get(KEY_VARIABLE)
    if url and not key:
        raise NothingRuns(f"{URL_VARIABLE} is set, {KEY_VARIABLE} is not: both together name a deployment")
    state = StateFolder(folder)
    port = state.remembered("port_dispatcher_http")
    key = key or env.get(_OWN_KEY_VARIABLE) or state.remembered("api_key")
    if url is None and port is not None:
        url = f"http://127.0.0.1:{port}"
    if not url or not key:
        raise NothingRuns(
            f"nothing was ever started in {folder}. Start it by `make run` (or `carewire run`) in another terminal, "
            f"or name another deployment by {URL_VARIABLE} and {KEY_VARIABLE}"
        )
    return ManagementApi(url, key)
