"""Sequences, as research on recommenders publishes them: a line a user, then the items in order.

    1 1 2 3 4 5
    2 6 7 8 9 10 4 11

There are no times, and Personalize wants some: they are made up, in the order of the items. So
nothing can be learned of when things happened, and the gate's newest events are the last of each line.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.sources.adapter import Adapter, Recognised

ADAPTER = Adapter(
    "sequences",
    "a research data set of sequences",
    advice="times are made up in the order of the items, a minute apart: what depends on the time of day "
    "or on trends cannot be learned from such data",
)
_FEW = 5  # lines
_MOSTLY = 0.9


def recognise(path: str, lines: Sequence[str]) -> Recognised | None:
    """Whether the first lines of a file are sequences: numbers with blanks between, of all lengths."""
    split = [line.split(" ") for line in lines]
    good = [words for words in split if len(words) > 1 and all(word.isdigit() for word in words)]
    users, lengths = {words[0] for words in good}, {len(words) for words in good}
    is_told = len(good) >= max(_FEW, _MOSTLY * len(split)) and len(users) == len(good)
    if not is_told or len(lengths) < 2:
        return None
    return Recognised(ADAPTER, f"{path!r} has a number and a list of numbers in each line")
