"""What recdrop.toml says about the files of one drop folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.config.sections import Config

# Raw calls as Segment's S3 destination writes them.
SEGMENT_LOGS = "segment-logs"
SEGMENT_FIELDS: Mapping[str, str] = {
    "USER_ID": "userId",
    "ITEM_ID": "properties.sku",
    "EVENT_TYPE": "event",
    "TIMESTAMP": "timestamp",
}


@dataclass(frozen=True)
class FileRules:
    """How to read and clean a file.

    `columns` is target -> source name, `header` the names for files that have no header line.
    `item_events_only` is for logs of all kinds of calls: those without a user or an item are left
    out and are no fault. `withhold` is the share of users (0 to 1) whose rows go to the sampled
    file, `seed` decides which.
    """

    columns: Mapping[str, str]
    header: tuple[str, ...] = ()
    encoding: str = "auto"
    timezone: str = "UTC"
    timestamp_format: str = "auto"
    max_bad_rows: float = 0.05
    keep_duplicates: bool = False
    events: tuple[str, ...] = ()
    drop_columns: tuple[str, ...] = ()
    item_events_only: bool = False
    withhold: float = 0.02
    seed: str = "recdrop"

    @classmethod
    def from_config(cls, config: Config, folder: str) -> FileRules:
        """The rules for the files in a drop folder, which its own section may tell apart."""
        section = config.folder(folder)
        is_log = folder == SEGMENT_LOGS
        columns = config.columns_for(folder)
        return cls(
            columns={**SEGMENT_FIELDS, **columns} if is_log else columns,
            header=(section.header if section else ()) or config.source.header,
            encoding=config.source.encoding,
            timezone=config.source.timezone,
            timestamp_format=config.source.timestamp_format,
            max_bad_rows=config.source.max_bad_rows,
            keep_duplicates=config.source.keep_duplicates,
            events=section.events if section else (),
            drop_columns=section.drop_columns if section else (),
            item_events_only=is_log,
            # One sample serves all solutions: the one that withholds most decides.
            withhold=max((gate.withhold for gate in config.gates), default=0.0),
        )
