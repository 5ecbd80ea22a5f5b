"""Sorted ids as one block of UTF-8 and its offsets.

They are mapped from a file and searched without being decoded, so that a model with a million
items opens at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise

import numpy as np

from recdrop.recommender.data.histories import offsets
from recdrop.recommender.data.records import Array

MANY = 1000
MOST_IN_DICTIONARY = 300_000


class Ids:
    """A sorted list of ids: from id to code and back.

    UTF-8 sorts as code points do, so a binary search over the bytes finds what Python's order put
    there. After MANY searches a dictionary is made once: it costs about as much as they did.
    """

    def __init__(self, text: Array, starts: Array) -> None:
        self._text = text
        self._starts = starts
        self._searches = 0

    @classmethod
    def of(cls, ids: Array) -> Ids:
        """From an object array of unique str, sorted."""
        encoded = [identifier.encode() for identifier in ids.tolist()]
        lengths = np.array([len(part) for part in encoded], dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets(lengths))

    def __len__(self) -> int:
        return len(self._starts) - 1

    def index(self, identifier: str) -> int | None:
        """The code of an id, or None."""
        # Of very many ids the dictionary would cost more memory than the model.
        if self._searches > MANY and len(self) <= MOST_IN_DICTIONARY:
            return self._dictionary.get(identifier)
        self._searches += 1
        return self._search(identifier)

    def _search(self, identifier: str) -> int | None:
        wanted = identifier.encode()
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._bytes(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self._bytes(low) == wanted else None

    @cached_property
    def _dictionary(self) -> dict[str, int]:
        return {identifier: code for code, identifier in enumerate(self.values.tolist())}

    def name(self, code: int) -> str:
        """The id of a code."""
        return self._bytes(code).decode()

    @cached_property
    def values(self) -> Array:
        """All ids as an object array of str."""
        text, starts = self._text.tobytes(), self._starts.tolist()
        decoded = [text[a:b].decode() for a, b in pairwise(starts)]
        return np.array(decoded, dtype=object)

    def arrays(self, prefix: str) -> dict[str, Array]:
        return {f"{prefix}_text": self._text, f"{prefix}_starts": self._starts}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], prefix: str) -> Ids:
        return cls(arrays[f"{prefix}_text"], arrays[f"{prefix}_starts"])

    def _bytes(self, code: int) -> bytes:
        return self._text[int(self._starts[code]) : int(self._starts[code + 1])].tobytes()
