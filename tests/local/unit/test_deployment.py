"""Which deployment a developer's commands talk to, and what they are told where there is none."""

from pathlib import Path

import pytest

from carewire_local.deployment import dispatcher_of
from carewire_local.errors import NothingRuns
from carewire_local.state import StateFolder
from carewire_testing_local.served_api import KEY, Answers, served

ANSWERS: Answers = {"GET /v1/endpoints": (200, {"items": [], "next_cursor": None})}


def started(folder: Path, url: str, key: str = KEY) -> Path:
    """The state folder of a deployment that listens there."""
    folder.mkdir()
    state = StateFolder(folder)
    state.remember("port_dispatcher_http", int(url.rpartition(":")[2]))
    state.remember("api_key", key)
    return folder


def test_the_deployment_of_the_state_folder_is_found_with_its_key(tmp_path: Path) -> None:
    with served(ANSWERS) as url, dispatcher_of(started(tmp_path / "state", url), {}) as dispatcher:
        assert dispatcher.all("/v1/endpoints") == []


def test_a_key_that_the_user_chose_for_it_goes_before_the_one_of_the_folder(tmp_path: Path) -> None:
    env = {"CAREWIRE_BOOTSTRAP_API_KEY": KEY}
    with served(ANSWERS) as url, dispatcher_of(started(tmp_path / "state", url, "old"), env) as dispatcher:
        assert dispatcher.all("/v1/endpoints") == []


def test_the_environment_names_another_one(tmp_path: Path) -> None:
    with (
        served(ANSWERS) as url,
        dispatcher_of(tmp_path, {"CAREWIRE_DISPATCHER_URL": url, "CAREWIRE_API_KEY": KEY}) as dispatcher,
    ):
        assert dispatcher.all("/v1/endpoints") == []


def test_a_url_without_a_key_is_not_called_with_the_key_of_this_machine(tmp_path: Path) -> None:
    with served(ANSWERS) as url:
        folder = started(tmp_path / "state", url)
        with pytest.raises(NothingRuns, match="CAREWIRE_API_KEY is not"):
            dispatcher_of(folder, {"CAREWIRE_DISPATCHER_URL": url})


def test_where_nothing_was_ever_started_it_is_said_how(tmp_path: Path) -> None:
    with pytest.raises(NothingRuns, match=r"nothing was ever started in .* `make run`"):
        dispatcher_of(tmp_path, {})


def test_what_was_started_once_and_is_down_is_said_not_to_answer(tmp_path: Path) -> None:
    with served(ANSWERS) as url:
        folder = started(tmp_path / "state", url)
    with dispatcher_of(folder, {}) as dispatcher, pytest.raises(NothingRuns, match=r"does not answer .* `make run`"):
        dispatcher.all("/v1/endpoints")
