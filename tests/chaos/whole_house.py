"""The chaos campaign: `make chaos`, or `python -m tests.chaos.whole_house --seed 7 --faults 50`.

Every role of the house runs as a process of its own, on real Kafka and real Postgres, and is called all the time, while
processes, servers and connections are struck by a schedule that the seed draws. Once all has come to rest, what was
seen is reckoned: the file of it stays, and the verdict can be made of it again.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from tests.chaos import verdict

from carewire_local.errors import LocalError
from carewire_local.progress import say
from carewire_testing_chaos.campaign import Plan, run
from carewire_testing_chaos.schedule import drawn

_RATE: Final = 8.0
_LEAD_S: Final = 15.0
NOT_FINISHED: Final = 2


def main() -> int:
    """Wage it, and say how it went. Returns 1 where a promise was broken, 2 where the machine was not up to it."""
    parser = argparse.ArgumentParser(prog="chaos", description="Everything is struck; nothing may be lost.")
    parser.add_argument("--seed", type=int, default=1, help="draws calls and faults (%(default)s)")
    parser.add_argument("--faults", type=int, default=50, help="how many (%(default)s)")
    parser.add_argument("--rate", type=float, default=_RATE, help="calls a second (%(default)s)")
    parser.add_argument("--out", type=Path, help="folder of the history and the logs (.carewire/chaos/...)")
    parser.add_argument("--proof", type=Path, help="a page to be written of it, as docs/proof.md")
    asked = parser.parse_args()
    folder = asked.out or Path(".carewire") / "chaos" / f"seed-{asked.seed}-faults-{asked.faults}"
    say(f"{asked.faults} faults by seed {asked.seed}, {asked.rate:g} calls a second; all of it will be in {folder}")
    plan = Plan(asked.seed, drawn(asked.seed, asked.faults), asked.rate, _LEAD_S)
    try:
        history = run(plan, folder, say)
    except LocalError as error:
        say(f"\nNOT FINISHED, so there is no verdict: {error}\nWhat happened until then is in {folder}.")
        return NOT_FINISHED
    if asked.proof is not None:
        verdict.prove(history, asked.proof)
    return verdict.tell(history)


if __name__ == "__main__":
    sys.exit(main())
