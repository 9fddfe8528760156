"""The verdict on a campaign's history, made again: `python -m tests.chaos.verdict FILE`."""

import argparse
import sys
from pathlib import Path

from carewire_local.progress import say
from carewire_testing_chaos.history import History, Rested, read
from carewire_testing_chaos.proof import proof
from carewire_testing_chaos.verdict import Verdict, judge, lines


def tell(file: Path) -> int:
    """Print it, and what to do next. Returns 1 where a promise was broken."""
    history = read(file)
    found = judge(history)
    say("")
    for line in lines(history, found):
        say(line)
    say(f"\nThe history: {file}. The verdict of it again:")
    say(f"  PYTHONPATH=tests/support .venv/bin/python -m tests.chaos.verdict {file}")
    if not found.holds:
        say(
            f"To look for the cause: the lines of the history that name an id above, and the logs in {file.parent}/logs"
        )
    return 0 if found.holds else 1


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="verdict", description="What a campaign's history says of the promises.")
    parser.add_argument("file", type=Path, help="history.jsonl of a campaign")
    parser.add_argument("--proof", type=Path, help="a page to be written of it")
    asked = parser.parse_args()
    if asked.proof is not None:
        prove(asked.file, asked.proof)
    return tell(asked.file)


def prove(file: Path, page: Path) -> None:
    """Write the page of a campaign, with what was found of planted bugs in the folders beside its own."""
    beside = sorted(file.absolute().parent.parent.glob("planted-*/history.jsonl"))
    # What was broken off lacks nearly everything, which is nobody's merit.
    planted = [one for one in map(_judged, beside) if one[0].all(Rested)]
    page.write_text(proof(*_judged(file), planted), "utf-8")


def _judged(file: Path) -> tuple[History, Verdict]:
    history = read(file)
    return history, judge(history)


if __name__ == "__main__":
    sys.exit(main())
