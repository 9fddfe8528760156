"""A campaign from its beginning to its end: load, faults, rest, and the file that says all of it."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import uvloop

from carewire_local.progress import Report
from carewire_testing_chaos import collecting, preparing
from carewire_testing_chaos.extent import FLOOD, FULL, Extent
from carewire_testing_chaos.history import Began, Entry, Left, Rested, Struck, Writer
from carewire_testing_chaos.house import TIME_SCALE, House, built
from carewire_testing_chaos.load import Load
from carewire_testing_chaos.receivers import Receivers, listening
from carewire_testing_chaos.resting import left, waited_for
from carewire_testing_chaos.schedule import Fault
from carewire_testing_chaos.searching import searched
from carewire_testing_chaos.striking import all_back, strike_all
from carewire_testing_dispatcher.service import API_KEY
from carewire_testing_dispatcher.told_events import telling
from carewire_testing_e2e.canaries import Canaries, Family

_QUIET_WITHIN_S: Final = 300.0
"""What is never answered is tried for 86 s, and what was struck has to catch up."""
_QUIET_TWICE: Final = 2
_LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True)
class Plan:
    """What is to be done. `lead_s` is undisturbed, before the faults and after them."""

    seed: int
    faults: Sequence[Fault]
    rate: float
    lead_s: float
    planted: str | None = None
    extent: Extent = FULL


def run(plan: Plan, folder: Path, report: Report) -> Path:
    """Wage a campaign; answer its history's file. The logs of all processes lie beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    history = folder / "history.jsonl"
    with TemporaryDirectory(prefix="carewire-chaos-") as name, history.open("wb") as file:
        place = Path(name).resolve()
        place.chmod(0o711)
        try:
            with (
                built(place, report, plan.extent, plan.planted) as house,
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                runner.run(_Campaign(plan, house, Writer(file), report).wage())
        finally:
            logs = folder / "logs"
            shutil.rmtree(logs, ignore_errors=True)
            for part in ("services", "state"):
                if (place / part / "logs").is_dir():
                    shutil.copytree(place / part / "logs", logs / part)
    return history


class _Campaign:
    def __init__(self, plan: Plan, house: House, writer: Writer, report: Report) -> None:
        self._plan = plan
        self._house = house
        self._writer = writer
        self._report = report
        self._began = time.monotonic()
        self._canaries = Canaries()
        self._patients = self._canaries(Family.PAYLOAD, "identifiers")
        self._keys = self._canaries(Family.SENDER, "idempotency keys")
        self._canaries.plant(Family.CREDENTIAL, "API key", API_KEY)
        self._receivers = Receivers(self._note, plan.extent.names())

    def _note(self, entry: Entry) -> None:
        self._writer.note(entry)

    async def wage(self) -> None:
        plan = self._plan
        self._note(Began(time.time(), plan.seed, len(plan.faults), _commit(), plan.rate, TIME_SCALE, plan.planted))
        async with self._lines_open(), listening(self._receivers):
            await asyncio.to_thread(self._house.start)
            self._say("all processes are ready")
            load = await self._prepared()
            await self._struck(load)
            await self._at_rest()

    @asynccontextmanager
    async def _lines_open(self) -> AsyncIterator[None]:
        lines = self._house.lines.values()
        for port, line in lines:
            await line.open(port)
        try:
            yield
        finally:
            # The processes end before their lines do, or they would wait for what never comes.
            await asyncio.to_thread(self._house.supervisor.stop)
            for _, line in lines:
                await line.close()

    async def _prepared(self) -> Load:
        extent = self._plan.extent
        async with preparing.Apis(self._house) as apis:
            webhooks = await preparing.webhooks(apis, extent, self._note)
            conflict = await preparing.two_people(apis, self._patients)
            ids = [webhook["definition_id"] for webhook in webhooks]
            secrets_ = await preparing.subscribers(self._house, apis, self._receivers, extent, ids, self._note)
        self._canaries.plant(Family.CREDENTIAL, "token of a webhook", webhooks[0]["url"].rpartition("/")[2])
        self._canaries.plant(Family.CREDENTIAL, "secret of an endpoint", secrets_[0])
        self._canaries.plant(Family.PAYLOAD, "an identifier", f"{self._patients}-p0")
        doors = [self._house.urls[name] for name in ("ingress-1", "ingress-2")]
        await preparing.opened(doors, webhooks)
        self._say(f"{len(webhooks)} webhooks are open, {len(secrets_)} subscribers listen")
        return Load(self._plan.seed, self._patients, self._keys, doors, webhooks, conflict, self._note)

    async def _struck(self, load: Load) -> None:
        """Call all the time, undisturbed at first, then while faults are done, and a while after."""
        over = asyncio.Event()
        calling = asyncio.create_task(load.keep_on(self._plan.rate, over))
        try:
            await self._flooded()
            await asyncio.sleep(self._plan.lead_s)
            await strike_all(self._house, self._plan.faults, lambda struck: self._tell(struck, load))
            await all_back(self._house)
            self._say("every process is back")
            await asyncio.sleep(self._plan.lead_s)
        finally:
            over.set()
            await calling
        load.close()
        self._receivers.heal()
        if self._plan.extent.disables_the_dead:
            async with preparing.Apis(self._house) as apis:
                await preparing.disable_the_dead(apis)
        self._say(f"{load.made:,} calls have their answers, {load.repeated:,} tries were repeated; waiting for rest")

    async def _flooded(self) -> None:
        if self._plan.extent.flood:
            async with telling(self._house.stack.kafka_bootstrap, self._house.topics) as teller:
                await teller.at_once(self._plan.extent.flood, lambda _: FLOOD)
            self._say(f"who never answers has {self._plan.extent.flood:,} events waiting")

    def _tell(self, struck: Struck, load: Load) -> None:
        self._note(struck)
        took = struck.ended - struck.began
        self._say(
            f"{struck.number + 1} of {len(self._plan.faults)}: {struck.action} {struck.target}, {took:.1f} s; "
            f"{load.made:,} calls ({load.made - load.answered} open), {self._receivers.count:,} deliveries tried"
        )

    async def _at_rest(self) -> None:
        quiet, found, end = 0, list[Left](), time.monotonic() + _QUIET_WITHIN_S
        while quiet < _QUIET_TWICE and time.monotonic() < end:
            found = await waited_for(self._house)
            quiet = 0 if any(one.count for one in found) else quiet + 1
            self._say("; ".join(f"{one.count:,} {one.what}" for one in found if one.count) or "nothing is left")
            await asyncio.sleep(_LOOK_EVERY_S)
        self._writer.note_all(found if quiet else await left(self._house))
        self._note(Rested(time.time(), is_quiet=quiet >= _QUIET_TWICE))
        self._say("collecting what is on topics and in tables")
        self._writer.note_all(await collecting.topics(self._house))
        self._writer.note_all(await collecting.tables(self._house))
        self._say("searching all of it for what may not be there")
        self._writer.note_all(await searched(self._house, self._canaries))
        self._say("stopping all processes")

    def _say(self, text: str) -> None:
        self._report(f"{time.monotonic() - self._began:5.0f} s  {text}")


def _commit() -> str:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"
