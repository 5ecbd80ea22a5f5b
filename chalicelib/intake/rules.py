"""By which rules an export is put together: what the config says, else what its writer is known for."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib import sources
from chalicelib.config.sections import Source
from chalicelib.documents import Mode
from chalicelib.sources.adapter import Recognised, Seen


@dataclass(frozen=True)
class Rules:
    """`source` is the tool, `recognised` by what it was told ("" where the config says it).

    `complete` is a rule as in `source.complete`. With the mode INCREMENTAL an export holds what is
    new, with FULL it holds everything.
    """

    source: str
    recognised: str
    complete: str
    mode: Mode


def rules_of(source: Source, seen: Seen) -> Rules:
    """The rules for what was seen of an export."""
    if source.kind == "auto":
        found = sources.recognise(seen)
    else:
        found = Recognised(sources.ADAPTERS[source.kind], "")
    adapter = found.adapter
    # A marker may have been left out when files were copied: it is used where it is there.
    usual = "auto" if adapter.complete == "marker" else adapter.complete
    return Rules(
        adapter.name,
        found.why,
        usual if source.complete == "auto" else source.complete,
        source.mode or ("INCREMENTAL" if adapter.data == "append" else "FULL"),
    )
