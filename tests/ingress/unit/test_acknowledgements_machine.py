"""Whether Kafka acknowledges, under any sequence of sends, ends and losses, beside a model that keeps everything."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from carewire_ingress.domain.acknowledgements import PATIENCE_S, Acknowledgements

LIMIT = 4


class AcknowledgementsMachine(RuleBasedStateMachine):
    """The model: when each record was sent that has not ended, and how the last telling one ended."""

    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.real = Acknowledgements(LIMIT)
        self.sent: dict[int, float] = {}
        self.last_ended_well = False

    @rule(seconds=st.sampled_from([0.001, 0.5, PATIENCE_S, 10.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=tickets)
    def a_record_is_handed_over(self) -> int:
        ticket = self.real.sent(self.now)
        assert ticket not in self.sent, "a ticket is given once"
        self.sent[ticket] = self.now
        return ticket

    @rule(ticket=consumes(tickets), acknowledged=st.sampled_from([True, False, None]))
    def a_record_ends(self, ticket: int, acknowledged: bool | None) -> None:
        self.real.settled([ticket], acknowledged=acknowledged)
        self.sent.pop(ticket, None)
        if acknowledged is not None:
            self.last_ended_well = acknowledged

    @rule(ticket=tickets)
    def a_record_ends_twice(self, ticket: int) -> None:
        for _ in range(2):
            self.real.settled([ticket], acknowledged=True)
        self.sent.pop(ticket, None)
        self.last_ended_well = True

    @rule(target=tickets)
    def the_producer_is_gone(self) -> object:
        self.real.abandoned()
        self.sent.clear()
        self.last_ended_well = False
        return multiple()

    @invariant()
    def it_counts_what_waits(self) -> None:
        assert self.real.waiting == len(self.sent)

    @invariant()
    def it_knows_the_oldest(self) -> None:
        assert self.real.oldest_wait(self.now) == max((self.now - sent for sent in self.sent.values()), default=0.0)

    @invariant()
    def calls_are_let_in_exactly_while_kafka_keeps_up(self) -> None:
        waits = max((self.now - sent for sent in self.sent.values()), default=0.0)
        keeps_up = self.last_ended_well and len(self.sent) < LIMIT and waits < PATIENCE_S
        assert self.real.is_flowing(self.now) is keeps_up


AcknowledgementsMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestAcknowledgements = AcknowledgementsMachine.TestCase
