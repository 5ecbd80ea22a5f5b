"""Everything that a search on validation users may choose, with the defaults it starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from recdrop.recommender.parts.gram import Window


@dataclass(frozen=True)
class Settings:
    """What one engine is made with.

    Windows and memories are in events. `tau`, `past`, `tau_next` and `next` shape the window that
    the ridge learns from, with exponential decay; memories decay as `decay` does. Names without more
    (`markov`, `frequency`, `content`, ...) are the weights of the parts; 0 leaves a part out.
    """

    # The ridge: its windows, the share of plain co-use in its statistics, its penalty, and how
    # far back an answer remembers. `head` is the most items it may cover.
    tau: float = 5.0
    past: int = 20
    tau_next: float = 2.0
    next: int = 6
    use_share: float = 0.3
    penalty: float = 100.0
    memory: float = 10.0
    head: int = 4000
    # Whether what was had may be recommended again.
    repeats: bool = False
    # Transitions; `tail` is what they weigh more where the ridge is silent.
    markov_window: int = 20
    markov_tau: float = 8.0
    markov_memory: float = 5.0
    markov: float = 0.2
    tail: float = 0.3
    # Own habits, popularity, and what metadata, context and the sequence model add.
    frequency: float = 0.0
    frequency_memory: float = 200.0
    popularity: float = 1e-3
    popularity_age: float = 0.0
    content: float = 0.0
    content_memory: float = 10.0
    # How far back the likeness of items without events looks.
    cold_memory: float = 30.0
    context: float = 0.0
    profile: float = 0.0
    sequence: float = 0.0

    @property
    def window(self) -> Window:
        return Window(self.tau, self.past, self.tau_next, self.next)

    def but(self, **changes: Any) -> Settings:
        return replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """From the settings of a model, which hold more than these."""
        known = {entry.name for entry in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})
