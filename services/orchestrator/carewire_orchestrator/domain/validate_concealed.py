"""What may be wrong with the secrets of a definition: concealed constants, and secrets that are written out.

The value of a concealed constant goes into the request of an API call and nowhere else. So no text that people read
may name one, nor may a value decide where a request goes that holds one.
"""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Final

from carewire_contracts.definition import Action, ApiCallAction, CalculationAction, CareFlowDefinition, Header
from carewire_orchestrator.domain.definition_problems import DefinitionProblem, ProblemCode, error, warning
from carewire_orchestrator.domain.expressions import FUNCTIONS
from carewire_orchestrator.domain.texts import base_of, names_in

_HOST: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.\-]*://)?[^/?#]*")
"""A URL, up to where its path, query or fragment begins (RFC 3986, section 3)."""

_SECRET: Final = re.compile(
    r"(?:^|[-_])(?:authorization|authentication|auth|api[-_]?key|access[-_]?key|subscription[-_]?key"
    r"|\w*token|\w*secret|password|credentials?|cookie)(?:[-_]|$)",
    re.IGNORECASE,
)
"""Headers that are called like those that hold secrets, such as `X-Api-Key` and `PRIVATE-TOKEN`."""


def concealed_problems(definition: CareFlowDefinition) -> Iterator[DefinitionProblem]:
    """Every place where the value of a concealed constant would be seen, and every secret that is seen already."""
    concealed = {constant.name for constant in definition.settings.constants if constant.concealed}
    open_names = {constant.name for constant in definition.settings.constants} - concealed
    for _, step in definition.steps():
        for action in step.actions:
            if isinstance(action, ApiCallAction):
                yield from _host_problems(definition, action, concealed)
                yield from _written_out(action, open_names)
            yield from _exposed(action.id, _names_elsewhere(action), concealed)
    for node in _other_nodes(definition):
        yield from _exposed(node.id, list(_names(node.model_dump(mode="json"))), concealed)


def unset_problems(definition: CareFlowDefinition, values_set: AbstractSet[str]) -> Iterator[DefinitionProblem]:
    """Every concealed constant that has no value in this deployment."""
    for constant in definition.settings.constants:
        if constant.concealed and constant.name not in values_set:
            route = f"PUT /v1/definitions/{definition.id}/constants/{constant.name}"
            message = f"the concealed constant {constant.name} has no value here, and API calls fail; set it by {route}"
            yield warning(ProblemCode.MISSING_VALUE, definition.id, message)


def _exposed(node_id: str, names: list[str], concealed: AbstractSet[str]) -> Iterator[DefinitionProblem]:
    for name in dict.fromkeys(names):
        if name in concealed:
            cure = "name it in the URL, headers and body of API calls alone, or take a constant that is not concealed"
            message = f"the concealed constant {name} would be shown here; {cure}"
            yield error(ProblemCode.EXPOSED_SECRET, node_id, message)


def _names_elsewhere(action: Action) -> list[str]:
    """The names in all texts of an action but the request of an API call; variables of its own are no constants."""
    request = {"url", "headers", "body"} if isinstance(action, ApiCallAction) else set()
    declared = {variable.name for variable in getattr(action, "dynamic_variables", ())}
    names = list(_names(action.model_dump(mode="json", exclude=request)))
    if isinstance(action, CalculationAction):
        declared |= {given.name for given in action.inputs} | FUNCTIONS.keys()
        names += re.findall(r"[A-Za-z_]\w*", action.expression)
    return [name for name in names if name not in declared]


def _other_nodes(definition: CareFlowDefinition) -> Iterator[Any]:
    """Nodes with texts or rules of their own, besides actions."""
    for form in definition.forms:
        yield from form.questions
    for track in definition.tracks:
        yield from track.transitions
    yield from definition.triggers


def _names(value: Any) -> Iterator[str]:
    """The names that stand in the texts of a document."""
    if isinstance(value, str):
        yield from names_in(value)
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _names(part)


def _host_problems(
    definition: CareFlowDefinition, action: ApiCallAction, concealed: AbstractSet[str]
) -> Iterator[DefinitionProblem]:
    """Whoever gets a secret has to stand in the definition, for all to see."""
    variables = {variable.name for variable in action.dynamic_variables}
    texts = [action.url, action.body or "", *(header.value for header in action.headers)]
    secrets = [name for text in texts for name in names_in(text) if name in concealed - variables]
    host = _HOST.findall("".join(base_of(definition, action)))[0]
    for name in dict.fromkeys(names_in(host)):
        if name in secrets:
            cure = "write the host out, and name the constant behind it"
            message = f"the concealed constant {name} stands where the host of the URL belongs; {cure}"
            yield error(ProblemCode.EXPOSED_SECRET, action.id, message)
        elif secrets and name in variables:
            cure = "write the host out, or take a constant"
            message = f"the value of {name} would decide who gets {secrets[0]}, a concealed constant; {cure}"
            yield error(ProblemCode.EXPOSED_SECRET, action.id, message)


def _written_out(action: ApiCallAction, open_names: AbstractSet[str]) -> Iterator[DefinitionProblem]:
    declared = {variable.name for variable in action.dynamic_variables}
    for header in action.headers:
        if _SECRET.search(header.name) and header.value.strip() and _is_readable(header, open_names - declared):
            cure = "take a concealed constant, as in settings.constants"
            message = f"the header {header.name} seems to hold a secret that whoever may read definitions reads; {cure}"
            yield warning(ProblemCode.EXPOSED_SECRET, action.id, message)


def _is_readable(header: Header, open_names: AbstractSet[str]) -> bool:
    """Whether all of a header stands in the definition."""
    return all(name in open_names for name in names_in(header.value))
