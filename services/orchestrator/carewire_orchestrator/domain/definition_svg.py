"""A definition's graph as an SVG picture, for pages and documents that show it without a program.

Every word of a designer is escaped, and stands as text: the picture holds no script, link or markup of theirs.
Lengths are in pixels.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Final, NamedTuple

from carewire_orchestrator.domain.definition_graph import Arrow, Place, PlaceKind, TrackGraph
from carewire_orchestrator.domain.definition_layout import Layout, lay_out

_WIDTH: Final = 230
_BEND_WIDTH: Final = 30
_GAP: Final = 30
_LAYER_GAP: Final = 56
_MARGIN: Final = 24
_TITLE_HEIGHT: Final = 40
_LINE: Final = 16
_MOST_LINES: Final = 8
_MOST_LETTERS: Final = 34
"""Letters of a line that fit into a place, at the width of an ordinary sans-serif letter of 12 pixels."""

_FILLS: Final[Mapping[PlaceKind, str]] = {
    "start": "#e6f4ea",
    "step": "#ffffff",
    "timer": "#fff7e0",
    "track_end": "#eceff1",
    "pathway_end": "#cfd8dc",
}
_STYLE: Final = (
    "text{font:12px sans-serif;fill:#202124}"
    ".title{font-weight:bold}.track{font-size:16px;font-weight:bold}"
    ".box{stroke:#5f6368}.frame{fill:none;stroke:#bdc1c6}"
    ".way{fill:none;stroke:#5f6368}"
    ".label{font-size:11px;fill:#174ea6;paint-order:stroke;stroke:#ffffff;stroke-width:4px}"
)
_ARROW_HEAD: Final = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0 8 4 0 8z" fill="#5f6368"/></marker></defs>'
)
_NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What may stand in no XML document, not even escaped (XML 1.0, section 2.2)."""


class _Box(NamedTuple):
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def svg(title: str, tracks: Sequence[TrackGraph]) -> str:
    """The picture: a frame for each track, one below the other."""
    drawn: list[str] = []
    width, y = 0.0, float(_MARGIN)
    for track in tracks:
        layout = lay_out(track)
        boxes = _boxes(track, layout, y + _TITLE_HEIGHT)
        right = max(box.x + box.width for box in boxes.values()) + _MARGIN
        bottom = max(box.y + box.height for box in boxes.values()) + _MARGIN
        frame = _Box(_MARGIN / 2, y, right - _MARGIN / 2, bottom - y)
        drawn += _track(track, layout, boxes, frame)
        width, y = max(width, right + _MARGIN), bottom + _MARGIN
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{y:.0f}" role="img">'
    return "".join([head, f"<title>{_text(title)}</title><style>{_STYLE}</style>", _ARROW_HEAD, *drawn, "</svg>\n"])


def _boxes(track: TrackGraph, layout: Layout, top: float) -> dict[str, _Box]:
    """Where each key goes: layers below each other, each in the middle of the widest."""
    sizes = {place.key: (float(_WIDTH), _height(place)) for place in track.places}
    bend = (float(_BEND_WIDTH), 0.0)
    widths = [sum(sizes.get(key, bend)[0] + _GAP for key in layer) - _GAP for layer in layout.layers]
    boxes: dict[str, _Box] = {}
    for layer, layer_width in zip(layout.layers, widths, strict=True):
        x = 1.5 * _MARGIN + (max(widths) - layer_width) / 2
        for key in layer:
            width, height = sizes.get(key, bend)
            boxes[key] = _Box(x, top, width, height)
            x += width + _GAP
        top += max(boxes[key].height for key in layer) + _LAYER_GAP
    return boxes


def _height(place: Place) -> float:
    return float(_LINE * (1 + len(_shown(place))) + 14)


def _shown(place: Place) -> Sequence[str]:
    """The lines of a place that are drawn; the others are counted."""
    if len(place.lines) <= _MOST_LINES:
        return place.lines
    return [*place.lines[: _MOST_LINES - 1], f"and {len(place.lines) - _MOST_LINES + 1} more"]


def _track(track: TrackGraph, layout: Layout, boxes: Mapping[str, _Box], frame: _Box) -> Iterator[str]:
    yield f'<rect class="frame" {_at(frame)} rx="6"/>'
    yield _line("track", frame.x + _MARGIN / 2, frame.y + 26, track.title, anchor="start", letters=len(track.title))
    for arrow, way in zip(track.arrows, layout.ways, strict=True):
        yield from _way(arrow, [boxes[key] for key in way])
    for place in track.places:
        yield from _place(place, boxes[place.key])


def _place(place: Place, box: _Box) -> Iterator[str]:
    said = "\n".join([place.title, *place.lines])
    rounded = 6 if place.kind == "step" else box.height / 2
    yield f"<g><title>{_text(said)}</title>"
    yield f'<rect class="box" {_at(box)} rx="{min(rounded, 22):.0f}" fill="{_FILLS[place.kind]}"/>'
    yield _line("title", box.middle, box.y + _LINE + 3, place.title)
    for number, line in enumerate(_shown(place), start=2):
        yield _line("", box.middle, box.y + _LINE * number + 3, line)
    yield "</g>"


def _way(arrow: Arrow, boxes: Sequence[_Box]) -> Iterator[str]:
    first, last = boxes[0], boxes[-1]
    points = [(first.middle, first.y + first.height), *((box.middle, box.y) for box in boxes[1:])]
    path = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
    for (x, y), (next_x, next_y) in pairwise(points):
        bow = (next_y - y) / 2 if next_y > y else _LAYER_GAP
        path += f"C{x:.0f} {y + bow:.0f} {next_x:.0f} {next_y - bow:.0f} {next_x:.0f} {next_y:.0f}"
    yield f'<path class="way" d="{path}" marker-end="url(#head)"/>'
    if arrow.label:
        target = boxes[1] if len(boxes) > 1 else last
        x, y = (first.middle + 2 * target.middle) / 3, (first.y + first.height + 2 * target.y) / 3
        yield f"<g><title>{_text(arrow.label)}</title>{_line('label', x, y, arrow.label)}</g>"


def _line(kind: str, x: float, y: float, text: str, *, anchor: str = "middle", letters: int = _MOST_LETTERS) -> str:
    shown = text if len(text) <= letters else text[: letters - 1].rstrip() + "\u2026"
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{_text(shown)}</text>'


def _at(box: _Box) -> str:
    return f'x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" height="{box.height:.0f}"'


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
