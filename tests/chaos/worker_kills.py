"""Workers that are killed: `make kill-worker`, or `python -m tests.chaos.worker_kills --kills 20 --seed 7`.

200 events a second go to twenty endpoints, two of which fail until all kills are over; meanwhile one of two workers
after the other is killed by kill -9. Then everything that receivers got is compared with what was told.
"""

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import asyncpg
import orjson
import uvloop

from carewire_local.progress import say
from carewire_local.service_process import ServiceProcess
from carewire_local.stack import Stack
from carewire_testing import eventually
from carewire_testing_dispatcher.by_roles import ByRoles, by_roles
from carewire_testing_dispatcher.crowd import AT_ONCE, Answer, Crowd, Taken, crowd
from carewire_testing_dispatcher.positions import alive
from carewire_testing_dispatcher.told_events import EVENT_TYPE, Teller, telling

RATE: Final = 200
ENDPOINTS: Final = tuple(f"receiver-{number}" for number in range(20))
FAILING: Final = frozenset(ENDPOINTS[:2])
"""Ten percent of them."""
WORKERS: Final = 2
TIME_SCALE: Final = 60
"""The 24 hours of retries take 24 minutes, and a delivery is put off by half a minute at most."""
PAUSE_MAX_S: Final = 3.0
"""From the first call after a kill to the next kill, at most."""
IN_THE_MIDST: Final = 4
"""Each kill of so many comes without such a wait: while the group is still about to share out the partitions."""
WINDOW_S: Final = 1.0
"""What ended within half a second before a kill may not be committed, and a commit takes a moment too."""
_REFUSED: Final = Answer(status=500)
_WORKS_WITHIN_S: Final = 60.0
_ENDED_WITHIN_S: Final = 240.0
_REPEATED: Final = """
select coalesce(sum(count - 1), 0)::bigint
from (select count(*) from dispatcher.attempt group by delivery_id, epoch, number) as attempts
"""
_UNTOLD: Final = """
select coalesce(sum(attempts - told), 0)::bigint
from (
    select attempts, (
        select count(distinct number) from dispatcher.attempt
        where attempt.delivery_id = delivery.id and attempt.epoch = delivery.epoch
    ) as told
    from dispatcher.delivery
) as counted
"""
"""Attempts that a delivery counts, and of which the log has no row."""
_UNENDED: Final = "select count(*) from dispatcher.delivery where status <> 'delivered'"


@dataclass
class Book:
    """What receivers got. `recovered` lets those accept that failed so far."""

    recovered: bool = False
    accepted: Counter[tuple[str, str]] = field(default_factory=Counter)
    bodies: dict[str, bytes] = field(default_factory=dict)
    at: list[float] = field(default_factory=list)

    def take(self, taken: Taken) -> Answer:
        """Note a call and answer it."""
        self.at.append(taken.at)
        body = self.bodies.setdefault(taken.webhook_id, taken.body)
        _even(body == taken.body, "a repeat has the bytes of the first call")
        name = taken.path.removeprefix("/")
        if name in FAILING and not self.recovered:
            return _REFUSED
        self.accepted[taken.webhook_id, name] += 1
        return AT_ONCE

    def since(self, moment: float) -> int:
        """How many calls came since."""
        return sum(at >= moment for at in self.at)


def main() -> int:
    """Tell, kill, reckon. Returns 1 if anything did not come out even."""
    parser = argparse.ArgumentParser(prog="worker_kills", description="Deliveries, reckoned to the last one.")
    parser.add_argument("--kills", type=int, default=20, help="kills of workers (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="draws the pauses between them (%(default)s)")
    asked = parser.parse_args()
    try:
        with TemporaryDirectory(prefix="carewire-kills-") as name:
            folder = Path(name)
            folder.chmod(0o711)
            with (
                Stack(folder / "state", report=say) as stack,
                by_roles(stack, folder, workers=WORKERS, CAREWIRE_TIME_SCALE=str(TIME_SCALE)) as roles,
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                runner.run(_wage(roles, asked.kills, random.Random(asked.seed)))
    except AssertionError as error:
        say(f"\nNOT EVEN: {error}")
        return 1
    say("\nEverything came out even: nothing lost, little repeated, with the same ids and bytes; no copy lives on.")
    return 0


async def _wage(roles: ByRoles, kills: int, draw: random.Random) -> None:
    book = Book()
    async with crowd(book.take) as receivers, telling(roles.bootstrap, roles.topics) as teller:
        await roles.subscribe([_endpoint(receivers, name) for name in ENDPOINTS])
        async with _told_all_the_time(teller):
            in_windows = await _kill(roles.workers, book, kills, draw)
        say(f"  {len(teller.told):,} events told, {kills} kills; now all receivers accept")
        book.recovered = True
        await _reckon(roles, book, teller, in_windows)


@asynccontextmanager
async def _told_all_the_time(teller: Teller) -> AsyncIterator[None]:
    async def tell() -> None:
        while True:
            await teller.steadily(RATE, 1.0, lambda number: ENDPOINTS[number % len(ENDPOINTS)])

    telling_on = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling_on.cancel()
        await asyncio.gather(telling_on, return_exceptions=True)


async def _kill(workers: list[ServiceProcess], book: Book, kills: int, draw: random.Random) -> int:
    """Kill one worker after the other. Returns how many calls came within the windows before the kills."""
    loop, in_windows = asyncio.get_running_loop(), 0
    for number in range(kills):
        if number % IN_THE_MIDST != IN_THE_MIDST - 1:
            calls = len(book.at)
            await eventually(lambda calls=calls: len(book.at) > calls + RATE, _WORKS_WITHIN_S)  # type: ignore[misc]
        await asyncio.sleep(draw.uniform(0.0, PAUSE_MAX_S))
        victim = workers[number % len(workers)]
        await eventually(lambda victim=victim: victim.alive, _WORKS_WITHIN_S)  # type: ignore[misc]
        victim.kill()
        came = book.since(loop.time() - WINDOW_S)
        in_windows += came
        say(f"  kill {number + 1} of {kills}: {victim.name}; {came} calls in the second before")
    return in_windows


async def _reckon(roles: ByRoles, book: Book, teller: Teller, in_windows: int) -> None:
    meant = {(event_id, moment.definition_id) for event_id, moment in teller.told.items()}
    await eventually(lambda: meant <= book.accepted.keys(), _ENDED_WITHIN_S, pause=0.2)

    async def nothing_lives() -> bool:
        return await alive(roles.bootstrap, roles.topics) == 0

    await eventually(nothing_lives, _ENDED_WITHIN_S, pause=1.0)
    database = await asyncpg.connect(roles.postgres_dsn)
    try:

        async def all_logged() -> bool:
            logged: int = await database.fetchval("select count(*) from dispatcher.delivery")
            unended: int = await database.fetchval(_UNENDED)
            return logged == len(meant) and unended == 0

        await eventually(all_logged, _ENDED_WITHIN_S, pause=0.5)
        attempts_again: int = await database.fetchval(_REPEATED)
        untold: int = await database.fetchval(_UNTOLD)
    finally:
        await database.close()
    repeats = book.accepted.total() - len(book.accepted)
    say(
        f"  accepted: {len(book.accepted):,}, of these again: {repeats:,}; attempts made twice: {attempts_again:,}; "
        f"calls in the seconds before kills: {in_windows:,}"
    )
    _even(book.accepted.keys() == meant, "every receiver got what it was meant to get, and nothing else")
    _even(repeats <= in_windows, "no more was repeated than was under way or uncommitted at the kills")
    _even(attempts_again <= in_windows, "each of these led to one chain more at most")
    _even(untold == 0, "of each attempt that led to another the log has a row")
    ids = all(orjson.loads(body)["pathway"]["id"] == webhook_id for webhook_id, body in book.bodies.items())
    _even(ids, "the webhook-id is the event's")


def _endpoint(receivers: Crowd, name: str) -> dict[str, object]:
    return {"url": receivers.url(f"/{name}"), "event_types": [EVENT_TYPE], "definition_ids": [name]}


def _even(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(f"it does not hold that {what}")


if __name__ == "__main__":
    sys.exit(main())
