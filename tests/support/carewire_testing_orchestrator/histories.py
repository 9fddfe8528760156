"""Random lives of random care flows, played through `advance` alone."""

from dataclasses import dataclass

from hypothesis import strategies as st

from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.advance import Advanced, advance
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.effects import Effect
from carewire_orchestrator.domain.events import CareFlowEvent, Started, Stopped
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.release import Release
from carewire_testing_orchestrator.definitions import definitions
from carewire_testing_orchestrator.playing import CARE_FLOW_ID, NOW, PATIENT_ID, doing

ANSWERS: list[tuple[GivenValue, ...]] = [
    (),
    (GivenValue("answer", ValueType.BOOLEAN, value=True),),
    (GivenValue("answer", ValueType.BOOLEAN, value=False),),
]
"""What the one form of random definitions may be answered."""


@dataclass(frozen=True)
class History:
    """What happened to a care flow, up to its end or to a point at which it waits for somebody."""

    release: Release
    events: tuple[CareFlowEvent, ...]
    steps: tuple[Advanced, ...]

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Everything that followed, in order."""
        return tuple(effect for step in self.steps for effect in step.effects)

    @property
    def last(self) -> CareFlow:
        """The care flow as it stands."""
        return self.steps[-1].care_flow


def new_care_flow(release: Release) -> CareFlow:
    """A care flow that has not started."""
    return CareFlow(id=CARE_FLOW_ID, release_id=release.release_id, patient_id=PATIENT_ID)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Any life of any care flow."""
    release = Release.of("release", 1, draw(definitions()))
    events: list[CareFlowEvent] = [Started(())]
    steps = [_let(release, new_care_flow(release), events[0])]
    while (event := _draw_event(draw, steps[-1].care_flow)) is not None:
        events.append(event)
        steps.append(_let(release, steps[-1].care_flow, event))
    return History(release, tuple(events), tuple(steps))


def _let(release: Release, care_flow: CareFlow, event: CareFlowEvent) -> Advanced:
    advanced = advance(release, care_flow, event, NOW)
    assert isinstance(advanced, Advanced), advanced
    return advanced


def _draw_event(draw: st.DrawFn, care_flow: CareFlow) -> CareFlowEvent | None:
    """Something that somebody can do now; None to leave it at that."""
    if care_flow.status.is_final:
        return None
    done = [
        doing(activity, *draw(st.sampled_from(ANSWERS)))
        for activity in care_flow.activities.values()
        if activity.is_open
    ]
    # Going on comes first, for that is what failing examples shrink towards least often.
    return draw(st.sampled_from([*done, Stopped("why"), None]))
