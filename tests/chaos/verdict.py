"""The verdict on a campaign's history, made again: `python -m tests.chaos.verdict FILE`."""

import argparse
import sys
from pathlib import Path

from carewire_local.progress import say
from carewire_testing_chaos.history import read
from carewire_testing_chaos.verdict import judge, lines


def tell(file: Path) -> int:
    """Print it, and what to do next. Returns 1 where a promise was broken."""
    history = read(file)
    found = judge(history)
    say("")
    for line in lines(history, found):
        say(line)
    say(f"\nThe history: {file}. The verdict again: PYTHONPATH=tests/support python -m tests.chaos.verdict {file}")
    if not found.holds:
        say(
            f"To look for the cause: the lines of the history that name an id above, and the logs in {file.parent}/logs"
        )
    return 0 if found.holds else 1


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="verdict", description="What a campaign's history says of the promises.")
    parser.add_argument("file", type=Path, help="history.jsonl of a campaign")
    return tell(parser.parse_args().file)


if __name__ == "__main__":
    sys.exit(main())
