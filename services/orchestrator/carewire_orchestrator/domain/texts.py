"""Texts with dynamic variables: `{{name}}` stands for a data point or for a constant of the definition.

Each text is written for where it goes: into HTML, a URL or a JSON string what is filled in is escaped, so that a value
can never become markup, another path or another field. A name that nobody knows stays as it stands. So does that of a
concealed constant, whose value is not known here.
"""

import html
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, time, tzinfo
from typing import Final, TypeAlias
from urllib.parse import quote

from carewire_contracts.definition import ApiCallAction, CareFlowDefinition, DynamicVariable, PossibleValue
from carewire_contracts.timestamps import format_timestamp
from carewire_contracts.values import TypedValue, is_empty
from carewire_contracts.values.comparing import equal
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.orders import Blank, WithBlanks
from carewire_orchestrator.domain.release import Release

Escape: TypeAlias = Callable[[str], str]

_NAMED: Final = re.compile(r"\{\{\s*([A-Za-z0-9_.\-]{1,128})\s*\}\}")
"""How a text names a dynamic variable or a constant."""


def names_in(template: str) -> list[str]:
    """The names that a template holds, in their order."""
    return [found[1] for found in _NAMED.finditer(template)]


def fill(template: str, known: Mapping[str, str], escape: Escape) -> str:
    """Fill a template once: what is filled in is not read as a template again."""
    return _NAMED.sub(lambda found: escape(known[found[1]]) if found[1] in known else found[0], template)


def fill_around(template: str, known: Mapping[str, str], escape: Escape, concealed: Collection[str]) -> WithBlanks:
    """Fill a template and leave blanks for concealed constants.

    Blanks are told apart by their place in the template, so no value that is filled in can make one.
    """
    parts: list[str | Blank] = []
    end = 0
    for found in _NAMED.finditer(template):
        if found[1] in concealed and found[1] not in known:
            parts += [fill(template[end : found.start()], known, escape), Blank(found[1])]
            end = found.end()
    return tuple(part for part in (*parts, fill(template[end:], known, escape)) if part)


def plain(text: str) -> str:
    """For a text that is shown as it is."""
    return text


def in_html(text: str) -> str:
    """For a text between tags or in an attribute."""
    return html.escape(text)


def in_url(text: str) -> str:
    """For a segment of a path, or a name or value of a query."""
    return quote(text, safe="")


def in_json(text: str) -> str:
    """For a JSON string whose quotes stand in the template; numbers and words go without."""
    return json.dumps(text)[1:-1]


def texts(course: Course, variables: Iterable[DynamicVariable]) -> dict[str, str]:
    """What the names of a template stand for now."""
    return _constants(course.release.definition) | {variable.name: _text(course, variable) for variable in variables}


def base_of(definition: CareFlowDefinition, action: ApiCallAction) -> tuple[str, str]:
    """What a URL begins with where that is a constant, as it stands, and the rest of its template.

    A constant there is the address of an API, which the designer wrote; anywhere else it is escaped like all others.
    """
    found = _NAMED.match(action.url)
    if found is None or any(variable.name == found[1] for variable in action.dynamic_variables):
        return "", action.url
    base = _constants(definition).get(found[1])
    return ("", action.url) if base is None else (base, action.url[found.end() :])


def _constants(definition: CareFlowDefinition) -> dict[str, str]:
    """The constants whose values stand in the definition."""
    constants = definition.settings.constants
    return {constant.name: constant.value for constant in constants if constant.value is not None}


def text_of(value: TypedValue, zone: tzinfo) -> str:
    """A value as people write it; a date with a time is told in the given zone."""
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime():
            return _text_of_date(value, zone)
        case list():
            return ", ".join(text_of(item, zone) for item in value)
        case dict():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case _:
            return str(value)


def _text(course: Course, variable: DynamicVariable) -> str:
    definition_id = variable.data_point_definition_id
    value = course.values.get(definition_id)
    if value is None or is_empty(value):
        return variable.fallback
    if variable.property == "collection_date":
        collected = course.data_points.get(definition_id)
        moment = course.system_dates.get(definition_id) if collected is None else collected.collected_at
        return variable.fallback if moment is None else moment.astimezone(course.zone).date().isoformat()
    if variable.property == "label":
        items = value if isinstance(value, list) else [value]
        possible = _possible_values(course.release, definition_id)
        return ", ".join(_label(item, possible) or text_of(item, course.zone) for item in items)
    return text_of(value, course.zone)


def _text_of_date(moment: datetime, zone: tzinfo) -> str:
    if moment.astimezone(UTC).time() == time():
        return moment.astimezone(UTC).date().isoformat()
    local = moment.astimezone(zone)
    return format_timestamp(moment) if zone is UTC else local.isoformat(timespec="minutes")


def _label(item: object, possible: Iterable[PossibleValue]) -> str | None:
    return next((one.label for one in possible if equal(item, one.value)), None)


def _possible_values(release: Release, definition_id: str) -> tuple[PossibleValue, ...]:
    point = release.data_points.get(definition_id)
    if point is not None:
        return point.possible_values
    questions = (question for form in release.definition.forms for question in form.questions)
    return next((question.possible_values for question in questions if question.id == definition_id), ())
