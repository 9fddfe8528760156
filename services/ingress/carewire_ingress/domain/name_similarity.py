"""How alike two names are, whatever their style and the order of their words: `surgeryDate` and "Date of surgery".

The trigrams of the words, and what share of them both have (Dice's coefficient). Sets are made once a name, and
to compare two of them costs far less than an edit distance would.
"""

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

Trigrams: TypeAlias = frozenset[str]

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


def trigrams(names: Iterable[str]) -> Trigrams:
    """The trigrams of all words of some names; a word begins and ends with a blank."""
    words = (f"  {word.casefold()} " for name in names for word in _WORD.findall(name))
    return frozenset(word[at : at + 3] for word in words for at in range(len(word) - 2))


def likeness(one: Trigrams, other: Trigrams) -> float:
    """From 0, nothing in common, to 1, the same words."""
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0
