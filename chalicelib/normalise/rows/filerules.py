"""What recdrop.toml says about the files of one drop folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.config.sections import Config, Source
from chalicelib.normalise.bytes.dialect import UNTOLD, Told
from chalicelib.normalise.rows.rules import NUMBERS
from chalicelib.sources import ADAPTERS, segment, sequences
from chalicelib.vocabulary.datasets import DOMAIN_NUMBERS

# Tools whose objects are calls of all kinds, most of them without an item.
CALL_LOGS = ("segment", "ga4")


@dataclass(frozen=True)
class FileRules:
    """How to read and clean a file.

    `columns` is target -> source name, `header` the names for files that have no header line,
    `told` what the config says of how the files are written. `numbers` are columns that hold
    nothing but numbers. `item_events_only` is for logs of all kinds of calls: those without a user
    or an item are left out and are no fault; `calls_as_objects` says so of JSON alone, since tools
    that write a table of such calls have chosen the rows. `whole_ids` makes 17850 of the id 17850.0.
    `order_key` is the column that is the same in all lines of an order, of which only the first is
    whole; `are_sequences` says that a line is a user and the items in order. `withhold` is the share
    of users (0 to 1) whose rows go to the sampled file, `seed` decides which.
    """

    columns: Mapping[str, str]
    header: tuple[str, ...] = ()
    encoding: str = "auto"
    told: Told = UNTOLD
    timezone: str = "UTC"
    timestamp_format: str = "auto"
    max_bad_rows: float = 0.05
    keep_duplicates: bool = False
    events: tuple[str, ...] = ()
    drop_columns: tuple[str, ...] = ()
    item_events_only: bool = False
    calls_as_objects: bool = False
    numbers: tuple[str, ...] = NUMBERS
    whole_ids: bool = False
    order_key: str = ""
    are_sequences: bool = False
    withhold: float = 0.02
    seed: str = "recdrop"

    @classmethod
    def from_config(cls, config: Config, folder: str) -> FileRules:
        """The rules for the files in a drop folder, which its own section may tell apart.

        Nobody is recognised here: the kind "auto" has no habits.
        """
        kind = "plain" if config.source.kind == "auto" else config.source.kind
        section = config.folder(folder)
        is_log = folder == segment.FOLDER
        tool = segment.ADAPTER if is_log else ADAPTERS[kind]
        return cls(
            columns={**tool.columns, **config.columns_for(folder)},
            header=(section.header if section else ()) or config.source.header,
            encoding=config.source.encoding,
            told=_told(config.source),
            timezone=config.source.timezone,
            timestamp_format=config.source.timestamp_format,
            max_bad_rows=config.source.max_bad_rows,
            keep_duplicates=config.source.keep_duplicates,
            events=section.events if section else (),
            drop_columns=section.drop_columns if section else (),
            item_events_only=is_log,
            calls_as_objects=kind in CALL_LOGS,
            numbers=(*NUMBERS, *DOMAIN_NUMBERS.get(config.group.domain or "", ())),
            whole_ids=config.source.whole_ids,
            order_key=tool.order_key,
            are_sequences=kind == sequences.ADAPTER.name,
            # One sample serves all solutions: the one that withholds most decides.
            withhold=max((gate.withhold for gate in config.gates), default=0.0),
        )


def _told(source: Source) -> Told:
    return Told(source.delimiter, source.quote, source.escape, source.nulls)
