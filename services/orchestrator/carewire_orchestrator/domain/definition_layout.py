"""Where the places of a track go in a picture: in layers from top to bottom, so that ways lead down.

After Sugiyama, Tagawa and Toda (1981): each place stands in the layer below the lowest place that leads to it; a way
over several layers gets a bend in each of them; the places of a layer are ordered by the middle of their neighbours.
Arrows that close a circle, as only drafts have them, do not count for the layers.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from carewire_contracts.record import record
from carewire_orchestrator.domain.definition_graph import Arrow, TrackGraph

Edge: TypeAlias = tuple[str, str]

MOST_BENDS: Final = 2_000
"""Bends of one picture. Beyond, far ways are drawn straight: nobody could follow them anyway."""
_SWEEPS: Final = 4
"""Times that the order is mended, downwards and upwards in turn; more change next to nothing."""


@record()
class Layout:
    """Keys by layer, from left to right, and for each arrow the keys that it passes, its ends included.

    A key that is no place is a bend.
    """

    layers: tuple[tuple[str, ...], ...]
    ways: tuple[tuple[str, ...], ...]


def lay_out(track: TrackGraph) -> Layout:
    """Lay out one track."""
    ranks = _ranks([place.key for place in track.places], track.arrows)
    ways = _ways(track.arrows, ranks)
    layers: defaultdict[int, list[str]] = defaultdict(list)
    for key, rank in ranks.items():
        layers[rank].append(key)
    ordered = [layers[rank] for rank in sorted(layers)]
    _order(ordered, ways)
    return Layout(tuple(map(tuple, ordered)), tuple(ways))


def _ranks(keys: Sequence[str], arrows: Iterable[Arrow]) -> dict[str, int]:
    followers: defaultdict[str, list[str]] = defaultdict(list)
    for arrow in arrows:
        followers[arrow.origin].append(arrow.destination)
    order, closing = _visit(keys, followers)
    ranks = dict.fromkeys(keys, 0)
    for key in order:
        for follower in followers[key]:
            if (key, follower) not in closing:
                ranks[follower] = max(ranks[follower], ranks[key] + 1)
    return ranks


def _visit(keys: Sequence[str], followers: Mapping[str, Sequence[str]]) -> tuple[list[str], set[Edge]]:
    """The keys, each before its followers, and the edges that close a circle. Depth first, without recursion."""
    finished: list[str] = []
    closing: set[Edge] = set()
    seen: set[str] = set()
    for root in keys:
        path = {} if root in seen else {root: iter(followers.get(root, ()))}
        seen.add(root)
        while path:
            key, rest = next(reversed(path.items()))
            follower = next(rest, None)
            if follower is None:
                finished.append(key)
                del path[key]
            elif follower in path:
                closing.add((key, follower))
            elif follower not in seen:
                seen.add(follower)
                path[follower] = iter(followers.get(follower, ()))
    return finished[::-1], closing


def _ways(arrows: Iterable[Arrow], ranks: dict[str, int]) -> list[tuple[str, ...]]:
    """The keys that each arrow passes. Bends get their ranks here."""
    ways = []
    left = MOST_BENDS
    for number, arrow in enumerate(arrows):
        between = range(ranks[arrow.origin] + 1, ranks[arrow.destination])
        bends = {f"bend {number} {rank}": rank for rank in between} if len(between) <= left else {}
        left -= len(bends)
        ranks |= bends
        ways.append((arrow.origin, *bends, arrow.destination))
    return ways


def _order(layers: list[list[str]], ways: Iterable[Sequence[str]]) -> None:
    """Put the keys of each layer below (above) the middle of those that they hang on, in place."""
    neighbours: defaultdict[str, set[str]] = defaultdict(set)
    for way in ways:
        for upper, lower in pairwise(way):
            neighbours[upper].add(lower)
            neighbours[lower].add(upper)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for fixed, moving in pairwise(layers if downwards else layers[::-1]):
            places = {key: place for place, key in enumerate(fixed)}
            middles = {key: _middle(neighbours[key], places, place) for place, key in enumerate(moving)}
            moving.sort(key=middles.__getitem__)


def _middle(neighbours: Iterable[str], places: Mapping[str, int], otherwise: int) -> float:
    known = [places[key] for key in neighbours if key in places]
    return sum(known) / len(known) if known else otherwise
