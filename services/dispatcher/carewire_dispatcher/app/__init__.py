"""The dispatcher put together: what `setup` makes, and the roles that `serve` runs.

| role | does | put together in |
|---|---|---|
| `api` | the management API, and the relay of its outbox | `management` |
| `fan-out` | events to deliveries | `delivering` |
| `worker` | deliveries to HTTP | `delivering` |
| `attempt-log` | attempts to Postgres, and what follows from them | `keeping` |
| `repair` | what is sent again; apart from the API, whose answers it would delay | `keeping` |

Each process serves health and metrics.
"""

from carewire_dispatcher.app.command import ROLES, main, serve
from carewire_dispatcher.app.setting_up import setup, verify

__all__ = ["ROLES", "main", "serve", "setup", "verify"]
