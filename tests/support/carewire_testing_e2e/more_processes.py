"""One more process of a service beside those of the platform, with some of its roles."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carewire_local.platform import Platform
from carewire_local.ports import Ports
from carewire_local.service_process import Service, ServiceProcess
from carewire_local.state import StateFolder
from carewire_local.supervisor import Supervisor


@contextmanager
def one_more(platform: Platform, service: str, *roles: str) -> Iterator[tuple[ServiceProcess, str]]:
    """Run it under a supervisor of its own, and yield it with its URL once it is ready."""
    name = f"{service}-{secrets.token_hex(4)}"
    state = StateFolder(platform.logs.parent / name)
    state.hold()
    ports = Ports(state)
    try:
        port = ports.choose("http")
        program = str(Path(sys.executable).with_name(f"carewire-{service}"))
        env = {**platform.env, "CAREWIRE_HTTP_HOST": "127.0.0.1", "CAREWIRE_HTTP_PORT": str(port)}
        url = f"http://127.0.0.1:{port}"
        argv = [program, "serve", "--roles", ",".join(roles)]
        with Supervisor([Service(name, argv, env, url)], state) as supervisor:
            supervisor.wait_ready()
            yield supervisor[name], url
    finally:
        ports.release()
        state.release()
