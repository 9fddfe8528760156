"""The command `carewire`: servers alone, the whole system, the demonstration, a developer's events, cleaning up."""

import argparse
import shlex
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from carewire_local.clean import clean
from carewire_local.errors import LocalError
from carewire_local.interrupts import Interrupts, leave
from carewire_local.progress import say
from carewire_local.stack import Stack

DEFAULT_STATE = Path(".carewire")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done or stopped on request, 1 failed with a message."""
    chosen = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = chosen.command
    Interrupts(say).install()
    try:
        return command(chosen)
    except LocalError as error:
        print(f"carewire: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("Stopped; nothing is left running. Start again at any time: the data is kept.")
        leave(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carewire", description="Carewire on this machine")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, text in (
        ("up", _up, "start Kafka and Postgres only, for services started by hand; Ctrl-C stops them"),
        ("run", _run, "start everything with a sample care flow; Ctrl-C stops it"),
        ("demo", _demo, "show one journey from webhook to signed delivery, then exit"),
        ("listen", _listen, "show events of what runs, or pass them on to a local URL; Ctrl-C ends it"),
        ("trigger", _trigger, "send an example event to the endpoint of `listen`, or to another"),
        ("clean", _clean, "remove the data of the local servers"),
    ):
        each = commands.add_parser(name, help=text, description=text)
        each.add_argument("--state", type=Path, default=DEFAULT_STATE, help="where data is kept (%(default)s)")
        each.set_defaults(command=command)
        _ADD_OPTIONS.get(name, _add_none)(each)
    return parser


def _add_none(_: argparse.ArgumentParser) -> None:
    """Most commands have no options of their own."""


def _add_listen_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--forward-to", metavar="URL", help="pass each call on to this URL; else it is shown here")
    parser.add_argument("--events", metavar="TYPES", default="", help="event types, separated by commas (all)")
    parser.add_argument("--port", type=int, default=0, help="listen on this port (any free one)")
    parser.add_argument("--via", metavar="URL", help="a URL that leads to --port, for a deployment elsewhere")


def _add_trigger_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("event_type", metavar="EVENT_TYPE", help="such as pathway.completed")
    parser.add_argument("--endpoint", metavar="ID", help="send it to this endpoint")


_ADD_OPTIONS = {"listen": _add_listen_options, "trigger": _add_trigger_options}


def _up(chosen: argparse.Namespace) -> int:
    started = time.monotonic()
    say("starting Kafka and Postgres ...")
    with Stack(chosen.state, report=say) as stack:
        say(f"Kafka and Postgres serve, after {time.monotonic() - started:.1f} s. Data: {stack.state.path}")
        say("For your shell:")
        say(f"  export CAREWIRE_KAFKA_BOOTSTRAP={shlex.quote(stack.kafka_bootstrap)}")
        say(f"  export CAREWIRE_POSTGRES_DSN={shlex.quote(stack.postgres_dsn)}")
        say("Ctrl-C stops both; the data stays until `carewire clean`.")
        threading.Event().wait()
    return 0


def _run(chosen: argparse.Namespace) -> int:
    return _journey(chosen.state, stay=True)


def _demo(chosen: argparse.Namespace) -> int:
    return _journey(chosen.state, stay=False)


def _journey(folder: Path, *, stay: bool) -> int:
    """Play the sample journey; only these two commands pay for importing what it needs."""
    code: int = import_module("carewire_local.journey").run(folder, stay=stay)
    return code


def _listen(chosen: argparse.Namespace) -> int:
    listen = import_module("carewire_local.listen")
    types = [name.strip() for name in chosen.events.split(",") if name.strip()]
    wish = listen.Wish(types, chosen.forward_to, chosen.port, chosen.via)
    code: int = listen.run(chosen.state, wish)
    return code


def _trigger(chosen: argparse.Namespace) -> int:
    code: int = import_module("carewire_local.trigger").run(chosen.state, chosen.event_type, chosen.endpoint)
    return code


def _clean(chosen: argparse.Namespace) -> int:
    folder: Path = chosen.state
    removed = clean(folder)
    say(f"Removed the data in {folder}." if removed else f"Nothing to remove: there is no data in {folder}.")
    say("Next: `carewire up` or `carewire run` starts afresh.")
    return 0
