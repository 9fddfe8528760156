"""All services on the session's servers, under the supervisor."""

from pathlib import Path

import httpx
import pytest

from carewire_local import platform as platform_module
from carewire_local.errors import SetupFailed
from carewire_local.platform import Platform
from carewire_local.stack import Stack
from carewire_testing.leftovers import at_work_in


def _own_space(database_dsn: str, topic_prefix: str) -> dict[str, str]:
    return {
        "CAREWIRE_POSTGRES_DSN": database_dsn,
        "CAREWIRE_TOPIC_PREFIX": topic_prefix,
        "CAREWIRE_PARTITIONS": "2",
    }


def test_all_services_become_ready_and_one_key_opens_them_all(
    stack: Stack, database_dsn: str, topic_prefix: str, stack_folder: Path
) -> None:
    with Platform(stack_folder, stack=stack, env=_own_space(database_dsn, topic_prefix)) as platform:
        assert list(platform.urls) == ["ingress", "orchestrator", "dispatcher"]
        for url in platform.urls.values():
            assert httpx.get(f"{url}/livez", trust_env=False).status_code == 200
            assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
        assert all(process.restarts == 0 for process in platform.supervisor)
        pids = [process.pid for process in platform.supervisor]
    assert None not in pids
    assert [process.pid for process in at_work_in(stack_folder)] == []
    assert [process.exit_code for process in platform.supervisor] == [0, 0, 0]


def test_a_setup_that_fails_is_named_with_its_last_words_and_nothing_is_left_running(
    stack: Stack, stack_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform_module, "SERVICES", {"ingress": 8080})
    with pytest.raises(SetupFailed, match="ingress-setup ended with exit code 78"):
        Platform(stack_folder, stack=stack, env={"CAREWIRE_ENCRYPTION_KEYS": "not a key"}).up()
    assert [process.pid for process in at_work_in(stack_folder)] == []
