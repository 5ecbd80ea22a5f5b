"""Which of a group's arrivals hold rows to import, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib import layout
from chalicelib.intake.commits import Commit
from chalicelib.intake.keys import Arrival
from chalicelib.sources import registry


@dataclass(frozen=True)
class Selection:
    """`kept` are the data files that count, by key; `ignored` maps other keys to the reason."""

    kept: tuple[Arrival, ...]
    ignored: Mapping[str, str] = field(default_factory=dict)

    def without(self, reasons: Mapping[str, str]) -> Selection:
        """The files of `reasons` are ignored from now on."""
        kept = tuple(arrival for arrival in self.kept if arrival.key not in reasons)
        return Selection(kept, {**self.ignored, **reasons})


def select(arrivals: Iterable[Arrival], commits: Sequence[Commit]) -> Selection:
    """What counts of all that arrived."""
    ordered = sorted(arrivals, key=lambda arrival: arrival.key)
    selection = Selection(
        tuple(arrival for arrival in ordered if arrival.role == "data"),
        {arrival.key: arrival.reason for arrival in ordered if arrival.role == "ignored"},
    )
    selection = selection.without(_uncommitted(selection.kept, commits))
    return selection.without(_copies(selection.kept))


def newest_unload(selection: Selection) -> Selection:
    """Of several unloads in one folder the newest: together they hold the same rows twice.

    For full exports only. An incremental one may well come as several unloads.
    """
    return selection.without(_older_unloads(selection.kept))


def _uncommitted(kept: Sequence[Arrival], commits: Sequence[Commit]) -> dict[str, str]:
    """Files in a folder with a commit that did not add them, or whose log has removed them."""
    reasons = {}
    for arrival in kept:
        for commit in commits:
            if commit.judges(arrival) and arrival.key not in commit.added:
                reasons[arrival.key] = f"the commit {layout.file_name(commit.key)} does not list it"
    return reasons


def _copies(kept: Sequence[Arrival]) -> dict[str, str]:
    """Files that repeat another of them in a second format."""
    there = {arrival.key for arrival in kept}
    return {
        arrival.key: "the same table lies beside it as CSV"
        for arrival in kept
        if registry.original_of(arrival.key) in there
    }


def _older_unloads(kept: Sequence[Arrival]) -> dict[str, str]:
    newest: dict[str, tuple[float, str]] = {}
    for arrival in kept:
        if unload := registry.unload_id(arrival.path):
            so_far = newest.get(arrival.directory, (0.0, ""))
            newest[arrival.directory] = max(so_far, (arrival.arrived, unload))
    reasons = {}
    for arrival in kept:
        unload = registry.unload_id(arrival.path)
        # Files whose names tell no unload may belong to any: they stay.
        if unload and unload != (latest := newest[arrival.directory][1]):
            reasons[arrival.key] = f"it is of an older unload; the newest in its folder is {latest}"
    return reasons
