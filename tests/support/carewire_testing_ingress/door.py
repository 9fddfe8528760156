"""The receiver with everything behind it played: calls go in as their senders signed them, answers come out."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from carewire_contracts.catalogue import CatalogueDefinition
from carewire_contracts.requests import RefusedRequest
from carewire_contracts.topics import Topics
from carewire_ingress.adapters.admission_plans import AdmissionPlans
from carewire_ingress.adapters.receiver import Limits, Receiver
from carewire_ingress.adapters.request_channel import RequestChannel
from carewire_ingress.adapters.request_records import RequestRecords
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.sender_scheme import SENDER_SCHEME
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_runtime.clock import FakeClock
from carewire_testing.waiting import eventually
from carewire_testing_ingress.gates import gate
from carewire_testing_ingress.played import Answered, Played
from carewire_testing_ingress.proofs import NOW
from carewire_testing_ingress.samples import DEFINITION_ID, SYSTEMS, definition, release, webhook
from carewire_testing_ingress.scripted_producer import ScriptedProducer

TOKEN = "token"
BROKER_MS = 1_800_000_000_000


def sender_of(scheme: Any, *secrets: str) -> Sender:
    """The sender that staff configure with this scheme and these secrets."""
    read = SENDER_SCHEME.validate_python({**scheme, "secrets": secrets} if secrets else scheme)
    return read.sender(read.entered())


class _Prompt(ScriptedProducer):
    async def hand_over(self, *args: Any, **more: Any) -> int:
        taken = await super().hand_over(*args, **more)
        self.sent[-1].acknowledge(BROKER_MS)
        return taken


class Door:
    """One webhook's address. `clock` stands at the moment at which the proofs are signed."""

    def __init__(self, known: IncomingWebhook | None = None, **of_gate: Any) -> None:
        self.webhook = known or webhook()
        self.clock = FakeClock(datetime.fromtimestamp(NOW, UTC))
        self.producer = _Prompt()
        self.channel = RequestChannel(lambda: self.producer, Topics().refused, self.clock, max_waiting=10)
        self.gate = gate(self.clock, **of_gate)
        self.receiver = Receiver(
            AdmissionPlans(self, self),
            SYSTEMS,
            self.channel,
            RequestRecords(Topics(), "tenant-1"),
            self.clock,
            limits=Limits(10_000, 5.0, 10),
            gate=self.gate,
            loaded=lambda: True,
        )

    def by_token(self, token_sha256: bytes) -> IncomingWebhook | None:
        return self.webhook if token_sha256 == hashlib.sha256(TOKEN.encode()).digest() else None

    def definition(self, definition_id: str) -> CatalogueDefinition | None:
        return definition(release()) if definition_id == DEFINITION_ID else None

    @property
    def refused(self) -> list[RefusedRequest]:
        """The refused and test calls that went to the log."""
        topic = Topics().refused.name
        return [RefusedRequest.decode(sent.value or b"") for sent in self.producer.sent[1:] if sent.topic == topic]

    @property
    def accepted(self) -> int:
        """How many calls were accepted."""
        return sum(sent.topic == Topics().requests.name for sent in self.producer.sent)

    async def ask(self, call: SignedCall, *, test: bool = False, peer: str = "192.0.2.7") -> Answered:
        """Make a call; its URL's query counts, and its path is the webhook's."""
        path = f"/hooks/{TOKEN}/test" if test else f"/hooks/{TOKEN}"
        query = call.url.partition(b"?")[2]
        target = path.encode() + (b"?" + query if query else b"")
        headers = [(name.lower(), value) for name, value in call.headers]
        return await Played(target, method=call.method, headers=headers, peer=peer).asked(self.receiver, call.body)


@asynccontextmanager
async def open_door(known: IncomingWebhook | None = None, **of_gate: Any) -> AsyncIterator[Door]:
    """A door behind which Kafka acknowledges at once."""
    door = Door(known, **of_gate)
    async with door.channel:
        await eventually(lambda: door.channel.fault() is None)
        yield door
