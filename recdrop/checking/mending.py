"""What would help: changes to a suggested config with which the pipeline might take a refused export."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from chalicelib.config.sections import Config
from chalicelib.normalise.export.minimums import MAX_EVENT_TYPES
from chalicelib.normalise.rows.rules import NOT_BAD
from recdrop.checking import judging
from recdrop.checking.judging import Judged
from recdrop.checking.suggesting import Suggestion

MOST_BAD = 0.6  # a file with more bad rows than that is not what it seems
# Rows without these ids are nobody's: leaving them out loses nothing that could be learned.
ANONYMOUS = ("no-user-id", "no-item-id", "null-user-id", "null-item-id")


@dataclass(frozen=True)
class Mending:
    """Changes to a suggestion with which the pipeline might take what it has refused."""

    suggestion: Suggestion
    judged: Judged
    config: Config
    scratch: Path
    now: float

    def mended(self) -> Suggestion:
        """The suggestion itself where nothing is known that would help."""
        if any(rejection.code == "too-many-bad-rows" for rejection in self.judged.rejected):
            return self._more_bad_rows()
        code = self.judged.refused.code if self.judged.refused else ""
        if code == "headers-differ":
            return self._same_columns()
        return self._fewer_events() if code == "too-many-event-types" else self.suggestion

    def _more_bad_rows(self) -> Suggestion:
        """Rows that belong to nobody may be many: anonymous visits, sales without an account."""
        share, told = 0.0, ""
        for piece in self.judged.pieces:
            if piece.rejected is None or piece.rejected.code != "too-many-bad-rows":
                continue
            report = judging.bad_rows(piece.file, self.config, self.scratch, self.now)
            if report is None:
                return self.suggestion
            faults = Counter[str]()
            for drop in report.dropped:
                if drop.code not in (*NOT_BAD, "duplicate"):
                    faults[drop.code] += drop.rows
            nobody = sum(faults[code] for code in ANONYMOUS)
            others = faults.total() - nobody
            is_fine = others <= self.config.source.max_bad_rows * report.rows
            if not is_fine or faults.total() > MOST_BAD * report.rows:
                return self.suggestion
            share = max(share, faults.total() / report.rows)
            told = f"{nobody:,} of {report.rows:,} rows of {report.key} name no user or no item"
        allowed = math.ceil(share * 20 + 0.2) / 20
        why = f"{told}: they are left out. Is that what you expect?"
        return replace(self.suggestion, max_bad_rows=allowed, why_bad=why)

    def _same_columns(self) -> Suggestion:
        """Columns that not every file has are left out."""
        suggestion = self.suggestion
        for dataset in {report.dataset for report in self.judged.reports}:
            mine = [
                piece for piece in self.judged.pieces if piece.done and piece.dataset == dataset
            ]
            headers = [set(piece.done.report.clean_header) for piece in mine if piece.done]
            odd = set[str]().union(*headers) - headers[0].intersection(*headers)
            if not odd:
                continue
            why = f"not every file has {', '.join(sorted(odd))}"
            for folder in sorted({piece.file.folder for piece in mine}):
                suggestion = suggestion.with_section(
                    folder, dataset, drop_columns=tuple(sorted(odd)), why=(why,)
                )
        return suggestion

    def _fewer_events(self) -> Suggestion:
        """The event types that occur most."""
        counts = Counter[str]()
        for report in self.judged.reports:
            counts.update(report.event_types)
        kept = tuple(event for event, _ in counts.most_common(MAX_EVENT_TYPES))
        why = f"Personalize takes {MAX_EVENT_TYPES} event types: these are the most frequent ones"
        suggestion = self.suggestion
        mine = [p.file.folder for p in self.judged.pieces if p.dataset == judging.INTERACTIONS]
        for folder in sorted(set(mine)):
            suggestion = suggestion.with_section(
                folder, judging.INTERACTIONS, events=kept, why=(why,)
            )
        return suggestion
