"""The service's quotas: one dated file (`quotas.json`), each of them adjustable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("quotas.json")


@dataclass(frozen=True)
class Quotas:
    date: str
    values: Mapping[str, int]

    def __getitem__(self, name: str) -> int:
        return self.values[name]

    def adjusted(self, changes: Mapping[str, int]) -> Quotas:
        """The same quotas with some set anew; ValueError names one that does not exist."""
        for name in changes:
            if name not in self.values:
                raise ValueError(
                    f"Quota {name!r} does not exist. Expected one of: {', '.join(sorted(self.values))}"
                )
        return Quotas(self.date, {**self.values, **changes})

    def switched_off(self) -> Quotas:
        """No upper limits; what the training itself needs (the minimums) stays."""
        unlimited = {
            name: value if name.startswith("minimum") else 2**31
            for name, value in self.values.items()
        }
        return Quotas(self.date, unlimited)


def load_quotas(path: Path = _FILE) -> Quotas:
    data = json.loads(path.read_text())
    return Quotas(data["date"], data["quotas"])
