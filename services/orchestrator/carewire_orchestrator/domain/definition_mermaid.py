"""A definition's graph as Mermaid text (https://mermaid.js.org/syntax/flowchart.html).

No word of a designer stands in the text as it is: whatever could be syntax or markup is written as the character
entity that Mermaid knows, `#` and `;` around its number.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from carewire_orchestrator.domain.definition_graph import Place, PlaceKind, TrackGraph

_NOT_PLAIN: Final = re.compile(r"[^\w ,.:/?!()+=-]|_")
"""Letters and digits of all scripts are plain, and what stands between them in ordinary sentences."""

_SHAPES: Final[dict[PlaceKind, tuple[str, str]]] = {
    "start": ("([", "])"),
    "step": ("[", "]"),
    "timer": ("{{", "}}"),
    "track_end": ("([", "])"),
    "pathway_end": ("(((", ")))"),
}


def mermaid(tracks: Sequence[TrackGraph]) -> str:
    """The text of a flowchart with a box for each track."""
    return "\n".join(["flowchart TD", *(line for track in tracks for line in _track(track)), ""])


def _track(track: TrackGraph) -> Iterator[str]:
    yield f"  subgraph {track.key}[{_text(track.title)}]"
    for place in track.places:
        yield f"    {_place(place)}"
    for arrow in track.arrows:
        label = f"|{_text(arrow.label)}|" if arrow.label else ""
        yield f"    {arrow.origin} -->{label} {arrow.destination}"
    yield "  end"


def _place(place: Place) -> str:
    opening, closing = _SHAPES[place.kind]
    return f"{place.key}{opening}{_text(place.title, *place.lines)}{closing}"


def _text(*lines: str) -> str:
    return '"' + "<br/>".join(map(_escaped, lines)) + '"'


def _escaped(text: str) -> str:
    return _NOT_PLAIN.sub(lambda found: f"#{ord(found[0])};", " ".join(text.split()))
