"""The quotas of a service: one dated table, each of them adjustable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Quotas:
    """`date` is the day on which the values were read from the service's documents."""

    date: str
    values: Mapping[str, int]

    @classmethod
    def read(cls, path: Path) -> Quotas:
        """From JSON: `{"date": ..., "quotas": {name: number}}`."""
        data = json.loads(path.read_text())
        return cls(data["date"], data["quotas"])

    def __getitem__(self, name: str) -> int:
        return self.values[name]

    def adjusted(self, changes: Mapping[str, int]) -> Quotas:
        """The same quotas with some set anew.

        Raises:
            ValueError: one that does not exist.
        """
        for name in changes:
            if name not in self.values:
                known = ", ".join(sorted(self.values))
                raise ValueError(f"Quota {name!r} does not exist. Expected one of: {known}")
        return Quotas(self.date, {**self.values, **changes})

    def switched_off(self) -> Quotas:
        """No upper limits; what the work itself needs (`minimum_...`) stays."""
        unlimited = {
            name: value if name.startswith("minimum") else 2**31
            for name, value in self.values.items()
        }
        return Quotas(self.date, unlimited)
