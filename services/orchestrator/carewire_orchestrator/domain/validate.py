"""What prevents a definition from being published, and what its designer should look at: all of it at once.

A definition without an ERROR can be laid out as a `Release` and run: the engine knows all of its kinds, every
reference is found, every id is unique, and no path of a track comes back to where it was. Each of the neighbours
`validate_*` looks at one side of a definition.
"""

from carewire_contracts.definition import CareFlowDefinition
from carewire_orchestrator.domain.definition_data_points import data_points_by_id
from carewire_orchestrator.domain.definition_problems import DefinitionProblem
from carewire_orchestrator.domain.supported import support_problems
from carewire_orchestrator.domain.validate_actions import action_problems
from carewire_orchestrator.domain.validate_concealed import concealed_problems
from carewire_orchestrator.domain.validate_duplicates import duplicate_problems
from carewire_orchestrator.domain.validate_rules import rule_problems
from carewire_orchestrator.domain.validate_timing import timing_problems
from carewire_orchestrator.domain.validate_track import track_problems
from carewire_orchestrator.domain.validate_triggers import trigger_problems


def validate(definition: CareFlowDefinition) -> list[DefinitionProblem]:
    """Answer every problem of a definition; errors first, else in the order of the document."""
    points = data_points_by_id(definition)
    problems = [
        *duplicate_problems(definition),
        *trigger_problems(definition, points),
        *(problem for track in definition.tracks for problem in track_problems(track)),
        *timing_problems(definition, points),
        *action_problems(definition, points),
        *rule_problems(definition, points),
        *concealed_problems(definition),
        *support_problems(definition),
    ]
    # Nodes that share an id share their problems as well: each is told once.
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.severity)
