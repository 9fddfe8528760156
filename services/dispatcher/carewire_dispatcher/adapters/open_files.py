"""Room for connections: each attempt under way holds a socket, and so does each idle connection that is kept."""

import resource
from typing import Final

from carewire_dispatcher.adapters.delivery_client.pool import IDLE_MAX
from carewire_dispatcher.adapters.slots import SLOTS

_OTHERS: Final = 500
"""Files and sockets of all else: Kafka, Postgres, HTTP."""


def allow_open_files() -> int:
    """Raise the soft limit of open files to what a worker needs, if the hard one lets us; return it.

    The usual soft limit of 1,024 is kept for programs that use select().
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SLOTS + IDLE_MAX + _OTHERS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
