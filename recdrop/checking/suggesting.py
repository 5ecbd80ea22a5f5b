"""The `recdrop.toml` that an export wants, with a comment for each thing that was guessed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from chalicelib.intake import keys
from chalicelib.sources import sequences
from chalicelib.sources.adapter import Recognised
from chalicelib.vocabulary.datasets import DATASETS


@dataclass(frozen=True)
class Section:
    """What a `[[dataset]]` would say. `why` are sentences, for whoever reads the file."""

    folder: str
    dataset: str
    columns: Mapping[str, str] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    drop_columns: tuple[str, ...] = ()
    why: tuple[str, ...] = ()

    @property
    def is_mapped(self) -> bool:
        """Whether it takes the config to make the folder this dataset's."""
        return keys.dataset_named(self.folder, {}) != self.dataset

    @property
    def is_needed(self) -> bool:
        """Whether the files would be refused, or read wrongly, without it."""
        needs_columns = set(self.columns) & set(DATASETS[self.dataset].required)
        return bool(
            needs_columns or self.header or self.events or self.drop_columns or self.is_mapped
        )

    @property
    def is_worth_saying(self) -> bool:
        """Whether there is anything to write down."""
        return self.is_needed or bool(self.columns)


@dataclass(frozen=True)
class Suggestion:
    """A config in parts.

    `complete` is the rule for when an export is complete, "auto" for the default; `max_bad_rows` is
    None for the default, else `why_bad` says what for; `whole_ids` reads 17850.0 as 17850.
    """

    recognised: Recognised
    sections: tuple[Section, ...] = ()
    complete: str = "auto"
    max_bad_rows: float | None = None
    why_bad: str = ""
    whole_ids: bool = False

    @property
    def is_needed(self) -> bool:
        """Whether the export would not be accepted without it."""
        is_read_by_kind = self.recognised.adapter.name == sequences.ADAPTER.name
        is_bad = self.max_bad_rows is not None
        return is_bad or is_read_by_kind or any(s.is_needed for s in self.sections)

    @property
    def says_nothing(self) -> bool:
        """Whether a group without a config would be treated the same."""
        said = self.is_needed or any(s.is_worth_saying for s in self.sections)
        is_default = self.complete == "auto" and self.recognised.adapter.data == "snapshot"
        return is_default and not said and not self.whole_ids

    def with_section(self, folder: str, dataset: str, **changes: object) -> Suggestion:
        """The section of a folder changed, or made where there is none; reasons add up."""
        known = {section.folder: section for section in self.sections}
        section = known.get(folder, Section(folder, dataset))
        why = (*section.why, *_texts(changes.pop("why", ())))
        known[folder] = replace(section, **changes, why=why)  # type: ignore[arg-type]
        return replace(self, sections=tuple(known.values()))

    def text(self) -> str:
        """The file, ready to paste."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        adapter = self.recognised.adapter
        yield "# Suggested by `recdrop check`. Read it before you use it."
        yield "[source]"
        yield f"kind = {_toml(adapter.name)}"
        if self.complete != "auto":
            yield f"complete = {_toml(self.complete)}"
        if adapter.data == "append":
            yield 'mode = "INCREMENTAL"  # each export has what is new, not everything'
        if self.whole_ids:
            yield "# ids are written like 17850.0, as pandas does where some are missing: read as 17850"
            yield "whole_ids = true"
        if self.max_bad_rows is not None:
            yield f"# {self.why_bad}"
            yield f"max_bad_rows = {self.max_bad_rows:g}"
        for section in self.sections:
            if section.is_worth_saying:
                yield from self._section(section)

    def _section(self, section: Section) -> Iterator[str]:
        yield ""
        yield "[[dataset]]"
        yield f"name = {_toml(section.folder)}"
        yield f"dataset = {_toml(section.dataset)}"
        yield from (f"# {_one_line(why)}" for why in section.why)
        if section.columns:
            pairs = ", ".join(f"{target} = {_toml(c)}" for target, c in section.columns.items())
            yield f"columns = {{ {pairs} }}"
        for key in ("header", "events", "drop_columns"):
            if values := getattr(section, key):
                yield f"{key} = [{', '.join(map(_toml, values))}]"


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()


def _toml(value: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _one_line(text: str) -> str:
    """As a comment can hold it."""
    return "".join(c if c.isprintable() else " " for c in text)
