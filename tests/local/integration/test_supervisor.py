"""The supervisor, with small programs in place of services."""

import signal
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from carewire_local.backoff import BackOff
from carewire_local.errors import NotReady
from carewire_local.ports import Ports
from carewire_local.service_process import Service
from carewire_local.state import StateFolder
from carewire_local.supervisor import Supervisor
from carewire_testing import eventually

QUICK = BackOff(first_s=0.05, longest_s=0.2)

SERVE = """
    import http.server, sys
    class Ready(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(int(sys.argv[2])); self.end_headers(); self.wfile.write(b"kafka: away")
        def log_message(self, *args): pass
    print("serving", flush=True)
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""
STUBBORN = """
    import signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("deaf", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def state(stack_folder: Path) -> Iterator[StateFolder]:
    state = StateFolder(stack_folder)
    state.hold()
    yield state
    state.release()


def _service(program: str, *arguments: str, name: str = "ingress", url: str | None = None) -> Service:
    argv = [sys.executable, "-c", textwrap.dedent(program), *arguments]
    return Service(name, argv, {}, url, stop_deadline_s=2.0)


def _serving(state: StateFolder, status: int = 200) -> Service:
    ports = Ports(state)
    port = ports.choose("http")
    ports.release()
    return _service(SERVE, str(port), str(status), url=f"http://127.0.0.1:{port}")


async def test_a_killed_service_comes_back_as_another_process_and_is_ready_again(state: StateFolder) -> None:
    told = list[str]()
    with Supervisor([_serving(state)], state, report=told.append, backoff=QUICK) as supervisor:
        supervisor.wait_ready(10)
        service = supervisor["ingress"]
        first = service.pid
        service.kill()
        await eventually(lambda: service.restarts == 1)
        supervisor.wait_ready(10)
        assert service.pid not in (None, first)
    assert "ingress ended with exit code -9" in told[0]
    assert "was started again" in told[1]


async def test_a_service_that_dies_at_once_is_restarted_with_growing_pauses(state: StateFolder) -> None:
    told = list[str]()
    with Supervisor([_service("raise SystemExit(70)")], state, report=told.append, backoff=QUICK) as supervisor:
        await eventually(lambda: supervisor["ingress"].restarts >= 3)
        assert supervisor["ingress"].exit_code in (70, None)
    pauses = [line for line in told if "starting it again in" in line]
    assert "exit code 70; starting it again in 0.1 s" in pauses[1]
    assert "starting it again in 0.2 s" in pauses[2]


async def test_a_stopped_service_stays_stopped_until_it_is_started(state: StateFolder) -> None:
    with Supervisor([_serving(state)], state, backoff=QUICK) as supervisor:
        service = supervisor["ingress"]
        supervisor.wait_ready(10)
        assert service.stop()
        assert service.exit_code == -signal.SIGTERM
        service.start()
        supervisor.wait_ready(10)
        assert service.restarts == 0


async def test_a_service_that_ignores_the_request_to_stop_is_killed_after_its_deadline(state: StateFolder) -> None:
    told = list[str]()
    supervisor = Supervisor([_service(STUBBORN)], state, report=told.append)
    supervisor.start()
    pid = supervisor["ingress"].pid
    await eventually(lambda: "deaf" in supervisor["ingress"].log.read_text())
    supervisor.stop()
    assert told == ["ingress did not stop in time and was killed"]
    assert not psutil.pid_exists(pid)


def test_a_service_that_is_not_ready_in_time_is_named_with_its_own_reason(state: StateFolder) -> None:
    with (
        Supervisor([_serving(state, status=503)], state) as supervisor,
        pytest.raises(NotReady, match="ingress answers 503: kafka: away"),
    ):
        supervisor.wait_ready(2)


def test_a_wrong_configuration_is_told_at_once_with_the_last_words(state: StateFolder) -> None:
    program = "print('CAREWIRE_ENCRYPTION_KEYS is missing: set it'); raise SystemExit(78)"
    with (
        Supervisor(
            [_service(program, url="http://127.0.0.1:1")], state, backoff=BackOff(first_s=60, longest_s=60)
        ) as supervisor,
        pytest.raises(NotReady, match="CAREWIRE_ENCRYPTION_KEYS is missing: set it"),
    ):
        supervisor.wait_ready(30)


async def test_output_is_echoed_under_the_name_of_the_service(state: StateFolder) -> None:
    told = list[str]()
    with Supervisor([_serving(state)], state, report=told.append, echo=True):
        await eventually(lambda: "ingress | serving" in told)


async def test_a_frozen_service_goes_on_after_it_is_resumed(state: StateFolder) -> None:
    with Supervisor([_serving(state)], state) as supervisor:
        supervisor.wait_ready(10)
        service = supervisor["ingress"]
        service.pause()
        assert service.pid is not None
        frozen = psutil.Process(service.pid)
        await eventually(lambda: frozen.status() == psutil.STATUS_STOPPED)
        service.resume()
        supervisor.wait_ready(10)
        assert service.restarts == 0
