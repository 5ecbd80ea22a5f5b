"""What a transaction leaves beside its files, and by which they count: commits of Databricks, the log of
a Delta table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.intake import keys
from chalicelib.intake.keys import Arrival
from chalicelib.intake.manifests import ManifestError, Reader
from chalicelib.sources import databricks, delta


@dataclass(frozen=True)
class Commit:
    """The keys `added` are all that counts of `folder`; of a table, with all its partitions.

    `key` is the file that says so, the newest where several do.
    """

    key: str
    folder: str
    added: frozenset[str]
    is_table: bool = False

    def judges(self, arrival: Arrival) -> bool:
        """Whether it says of this file if it counts."""
        return self.folder == (arrival.root if self.is_table else arrival.directory)


def read_commits(texts: Mapping[str, bytes]) -> list[Commit]:
    """The commit that holds, for each folder that has any. `texts` are all commit files, by key.

    Raises:
        ManifestError: one of them cannot be used.
    """
    logs: dict[str, list[str]] = defaultdict(list)
    newest: dict[str, str] = {}
    for key in sorted(texts, key=databricks.age):
        if delta.is_log(key):
            logs[delta.table(key)].append(key)
        else:
            newest[keys.directory(key)] = key
    commits = [read_commit(key, texts[key]) for key in newest.values()]
    return commits + [
        _replay(table, {key: texts[key] for key in log}) for table, log in logs.items()
    ]


def read_commit(key: str, body: bytes) -> Commit:
    """What the Databricks commit at `key` adds.

    Raises:
        ManifestError: it has no list of added files.
    """
    reader, folder = Reader(key, bucket=""), keys.directory(key)
    added = databricks.added_files(reader.parse(body))
    if not isinstance(added, list) or not all(isinstance(name, str) for name in added):
        raise reader.wrong("added", added, "a list of file names")
    return Commit(key, folder, frozenset(_below(reader, "added", folder, name) for name in added))


def _replay(table: str, log: Mapping[str, bytes]) -> Commit:
    """The files that a Delta table has after the last entry of its log, in the order of its keys."""
    first, last = next(iter(log)), list(log)[-1]
    if delta.version(first) != 0:
        raise ManifestError(
            first,
            f"The Delta log of {table!r} begins with version {delta.version(first)}: what came before "
            "is in a Parquet checkpoint, which is not read. Expected version 0, or an export by "
            "INSERT OVERWRITE DIRECTORY.",
        )
    live: set[str] = set()
    for key, body in log.items():
        reader = Reader(key, bucket="")
        try:
            added, removed = delta.changes(body)
        except (ValueError, RecursionError) as error:
            raise ManifestError(key, f"Delta log {key!r} is not JSON lines: {error}.") from error
        live -= {_below(reader, "remove", table, name) for name in removed}
        live |= {_below(reader, "add", table, name) for name in added}
    return Commit(last, table, frozenset(live), is_table=True)


def _below(reader: Reader, where: str, folder: str, name: str) -> str:
    key = folder + name
    if not keys.can_be(key):
        raise reader.wrong(where, name, "names of files that S3 can hold")
    return key
