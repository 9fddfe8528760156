"""The ways of a track: which transitions are taken from a step or timer that is done, and from the track's start.

- Those that hold are taken: those without a rule always, those with a rule when it is satisfied, the default ones
  when no ruled one is. Several are a fork.
- A condition on an empty value does not hold (see the rule language). Where nothing can be taken, and a rule might
  hold if an empty value were known, the branch does not end in silence: an activity of kind `evaluated_rule` says
  that it waits, and the track waits with it. It goes on by itself as soon as the value is collected and the rule can
  be decided; or an operator resumes it, and then conditions on empty values do not hold.
- A transition with timing is taken when its delay is over. Where that counts from a date that nobody knows, an
  activity says so as well (see `lacking`).
- The end of a track ends the branch that reaches it, not the others.
"""

from collections.abc import Iterable
from dataclasses import replace

from carewire_contracts.definition import Track, Transition
from carewire_contracts.record import record
from carewire_orchestrator.domain.activities import announce, begin, end
from carewire_orchestrator.domain.care_flow import Activity, ActivityStatus, PendingTimer, Reason, TimerPurpose
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.lacking import add_or_lack
from carewire_orchestrator.domain.timers import due_by_timings
from carewire_orchestrator.domain.undecided import is_undecided


@record()
class _Choice:
    """Transitions that are taken, and whether there are none because a rule cannot be decided."""

    taken: tuple[Transition, ...]
    undecided: bool = False


def follow(course: Course, track: Track, node_id: str) -> None:
    """Go on from a step or timer that is done, or from the start of the track."""
    choice = _choose(course, course.release.transitions.get((track.id, node_id), ()))
    if choice.undecided:
        activity = begin(course, "evaluated_rule", track.id, node_id, "")
        announce(course, replace(activity, reason=Reason.EMPTY_VALUE))
    _take(course, track, choice.taken)


def decide_again(course: Course, activity: Activity, definition_id: str) -> None:
    """Go on where a rule could not be decided, if it can be now that this data point has a value."""
    if activity.action_id:
        return  # it lacks a date, and goes on with its timer
    track = course.release.tracks[activity.track_id]
    transitions = course.release.transitions[track.id, activity.step_id]
    if any(one.rule is not None and definition_id in one.rule.references() for one in transitions):
        choice = _choose(course, transitions)
        if not choice.undecided:
            end(course, activity, ActivityStatus.DONE)
            _take(course, track, choice.taken)


def resume(course: Course, activity: Activity) -> None:
    """Go on where a rule could not be decided, though it may still be undecided."""
    track = course.release.tracks[activity.track_id]
    end(course, activity, ActivityStatus.DONE)
    if activity.action_id:
        return  # its timer has ended with it
    _take(course, track, _choose(course, course.release.transitions[track.id, activity.step_id]).taken)


def arrive(course: Course, track: Track, transition: Transition) -> None:
    """Come to where a transition leads."""
    destination = transition.destination
    if destination.type == "pathway_end":
        course.arrivals.append((track, None))
    elif destination.node_id is not None and destination.type == "step":
        course.arrivals.append((track, course.release.steps[destination.node_id]))
    elif destination.node_id is not None and destination.type == "timer":
        course.arrivals.append((track, course.release.timers[destination.node_id]))


def _choose(course: Course, transitions: Iterable[Transition]) -> _Choice:
    taken: list[Transition] = []
    defaults: list[Transition] = []
    is_ruled = undecided = False
    for transition in transitions:
        if transition.default:
            defaults.append(transition)
        elif transition.rule is None:
            taken.append(transition)
        else:
            evaluation = course.release.evaluators[transition.id](course.values, course.now)
            if evaluation.satisfied:
                is_ruled = True
                taken.append(transition)
            undecided = undecided or is_undecided(transition.rule, evaluation)
    if not is_ruled:
        taken.extend(defaults)
    return _Choice(tuple(taken), undecided and not taken)


def _take(course: Course, track: Track, transitions: Iterable[Transition]) -> None:
    for transition in transitions:
        if transition.timing is None:
            arrive(course, track, transition)
            continue
        due_at = due_by_timings(course, (transition.timing,), course.now)
        if due_at is not None and due_at <= course.now:
            arrive(course, track, transition)
        else:
            timer_id = course.next_timer_id()
            timer = PendingTimer(timer_id, TimerPurpose.TRANSITION, transition.id, course.now, due_at, track.id)
            add_or_lack(course, timer, track.id, transition.origin.node_id or "")
