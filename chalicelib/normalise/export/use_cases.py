"""Has an export the events that the config's use cases learn from?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.config.sections import Recommender
from chalicelib.normalise.errors import SetRejected
from chalicelib.vocabulary.use_cases import MIN_EVENTS, USE_CASES


def require_events(wanted: Sequence[Recommender], event_types: Mapping[str, int]) -> None:
    """`event_types` are the export's, with how many events each has.

    Raises:
        SetRejected: a use case has too few of its own type; the message names them all.
    """
    # Personalize takes event types in any case.
    counts: dict[str, int] = {}
    for name, count in event_types.items():
        counts[name.lower()] = counts.get(name.lower(), 0) + count
    lacking = [
        f"recommender {entry.name!r} ({entry.use_case}) learns from events of type {event!r}, "
        f"of which there are {counts.get(event.lower(), 0):,}"
        for entry in wanted
        if counts.get((event := USE_CASES[entry.use_case].event).lower(), 0) < MIN_EVENTS
    ]
    if lacking:
        found = ", ".join(f"{name} ({count:,})" for name, count in sorted(event_types.items()))
        raise SetRejected(
            "too-few-events-of-a-use-case",
            f"{'; '.join(lacking)}. Expected at least {MIN_EVENTS:,}. "
            f"The export has {found or 'no EVENT_TYPE'}.",
        )
