"""Starts a service with a bug in it: `python -m carewire_testing_chaos.launcher BUG SERVICE serve --roles ...`."""

import importlib
import sys

from carewire_testing_chaos.bugs import BUGS, STRUCK_IN


def main() -> None:
    """Plant the bug where it belongs, and run the service's own command line."""
    bug, service, *rest = sys.argv[1:]
    if STRUCK_IN[bug] == service:
        BUGS[bug]()
    sys.argv = [f"carewire-{service}", *rest]
    importlib.import_module(f"carewire_{service}.app").main()


if __name__ == "__main__":
    main()
