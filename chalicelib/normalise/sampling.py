"""The gate's truth: the newest interactions of a seeded sample of users, kept out of the import.

`normalise_file` has put the users of the sample's hash buckets aside, so that on a large export
only those small files are read here. When they hold too few users (a small export), all files are
read and rewritten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.config.sections import Gate
from chalicelib.normalise import engine
from chalicelib.normalise.clean import clean_source, read_header
from chalicelib.normalise.engine import literal, name
from chalicelib.normalise.files import BUCKETS, bucket_sql, write_csv

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MIN_INTERACTIONS = 1000
MIN_USERS_WITH_TWO = 25
MIN_SHARE_WITH_TWO = 0.01
NEWEST_SHARE = 0.1  # Personalize's own split: the newest tenth of a user's history is the truth


@dataclass(frozen=True)
class Withholding:
    """Files to put in place of the ones passed in.

    `remainder` are the sampled files' rows that are imported (None: no row), `parts` the rewritten
    part files by their position (empty when the parts were not touched), `returned` the earlier
    truth that is imported now, `withheld` the truth.
    """

    withheld: Path | None
    remainder: Path | None
    parts: dict[int, Path]
    returned: Path | None
    users: int
    rows: int
    note: str


def withhold(
    sampled: Sequence[Path],
    parts: Callable[[], Sequence[Path]],
    folder: Path,
    *,
    gate: Gate,
    rows: int,
    users_with_two: int,
    live_until: int | None = None,
    returned: Sequence[Path] = (),
    everyone: bool = False,
    seed: str = "recdrop",
    memory_mb: int = engine.MEMORY_MB,
) -> Withholding:
    """Choose the sample and write `withheld.csv`, `part-sampled.csv` and, for a small export, new
    parts into `folder`.

    `parts` is called only when the part files have to be read (download them there). `rows` are all
    clean interactions of the export and `users_with_two` a lower bound of its users with two or
    more (the maximum over the files will do). `live_until` (epoch seconds) is the newest
    interaction the live version was trained on: only later ones are truth; None, for the first
    version, makes every one eligible. `everyone` says that the sampled files hold all users (a
    small export), so that the user counts in them are exact. Nothing is withheld when the rest
    would fall below Personalize's minimum; `note` says so.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with engine.connect(folder / "scratch", memory_mb=memory_mb) as connection:
        sample = _Sample(connection, folder, gate, rows, users_with_two, live_until, seed, everyone)
        result = sample.run(list(sampled), parts)
        back = _return_rows(connection, returned, folder, sample.header)
    return Withholding(**{**result.__dict__, "returned": back})


@dataclass
class _Sample:
    connection: DuckDBPyConnection
    folder: Path
    gate: Gate
    rows: int
    users_with_two: int
    live_until: int | None
    seed: str
    everyone: bool
    header: tuple[str, ...] = ()

    def run(self, sampled: list[Path], parts: Callable[[], Sequence[Path]]) -> Withholding:
        if self.gate.withhold == 0:
            return self._nothing(sampled, "the config withholds nothing")
        if self.rows <= MIN_INTERACTIONS:
            return self._nothing(
                sampled,
                f"{self.rows:,} interactions are no more than Personalize's minimum of {MIN_INTERACTIONS:,}",
            )
        sources = sampled
        self._load(sources)
        touched: list[Path] = []
        if self._eligible() < self.gate.min_users:
            touched = list(parts())
            sources = [*sampled, *touched]
            self._load(sources)
        if not self._eligible():
            since = "" if self.live_until is None else " newer than the live version's data"
            return self._nothing(
                sampled, f"no user has two interactions of which one is{since or ' to spare'}"
            )
        for keep in (1, 2):
            everyone = self.everyone or bool(touched)
            users, rows = self._choose(keep)
            if users and self._enough_left(everyone):
                return self._write(sampled, touched, users, rows)
        return self._nothing(
            sampled,
            "the rest would fall below Personalize's minimum of interactions or of users with two",
        )

    def _load(self, sources: Sequence[Path]) -> None:
        if not sources:
            self.connection.execute(
                "CREATE OR REPLACE TABLE per_user (USER_ID VARCHAR, n BIGINT, fresh BIGINT, rank UBIGINT)"
            )
            return
        self.header = read_header(sources[0])
        self.connection.execute(
            f"CREATE OR REPLACE TABLE rows AS SELECT * FROM {clean_source(sources)}"
        )
        since = -1 if self.live_until is None else self.live_until
        self.connection.execute(
            f"CREATE OR REPLACE TABLE per_user AS SELECT USER_ID, count(*) AS n, count(*) FILTER (TIMESTAMP > {since}) AS fresh, "
            f"any_value({bucket_sql(self.seed)}) AS rank FROM rows GROUP BY USER_ID"
        )

    def _eligible(self) -> int:
        return int(self._value("SELECT count(*) FROM per_user WHERE n > 1 AND fresh > 0"))

    def _choose(self, keep: int) -> tuple[int, int]:
        """The users of the sample: those in the share's hash buckets, and more by rank up to the
        minimum; `keep` interactions of each stay.

        Returns (users, rows).
        """
        share = int(self.gate.withhold * BUCKETS)
        self.connection.execute(
            "CREATE OR REPLACE TABLE chosen AS SELECT USER_ID, n, k FROM (SELECT *, sum(k) OVER (ORDER BY place) AS total FROM ("
            f"SELECT *, least(greatest(1, CAST(round(n * {NEWEST_SHARE}) AS BIGINT)), fresh, n - {keep}) AS k, "
            f"row_number() OVER (ORDER BY rank, USER_ID) AS place FROM per_user WHERE n > {keep} AND fresh > 0) "
            f"WHERE place <= {self.gate.max_users} AND (rank < {share} OR place <= {self.gate.min_users})) "
            f"WHERE total <= {self.rows - MIN_INTERACTIONS}"
        )
        users, rows = self._row("SELECT count(*), coalesce(sum(k), 0) FROM chosen")
        return int(users), int(rows)

    def _enough_left(self, everyone: bool) -> bool:
        fallen = int(self._value("SELECT count(*) FROM chosen WHERE n - k < 2"))
        if not everyone:
            return self.users_with_two - fallen >= MIN_USERS_WITH_TWO
        users, two = self._row("SELECT count(*), count(*) FILTER (n > 1) FROM per_user")
        return bool(two - fallen >= max(MIN_USERS_WITH_TWO, users * MIN_SHARE_WITH_TWO))

    def _write(
        self, sampled: list[Path], touched: list[Path], users: int, rows: int
    ) -> Withholding:
        self.connection.execute(
            "CREATE TABLE truth AS SELECT id FROM (SELECT r.rowid AS id, c.k, row_number() OVER "
            "(PARTITION BY r.USER_ID ORDER BY r.TIMESTAMP DESC, r.rowid DESC) AS newest FROM rows r JOIN chosen c USING (USER_ID)) "
            "WHERE newest <= k"
        )
        columns = ", ".join(name(column) for column in self.header)
        withheld = self.folder / "withheld.csv"
        write_csv(
            self.connection,
            f"SELECT {columns} FROM rows WHERE rowid IN (SELECT id FROM truth) ORDER BY rowid",
            withheld,
        )
        rest = f"SELECT {columns} FROM rows WHERE rowid NOT IN (SELECT id FROM truth) AND _file IN"
        remainder = self.folder / "part-sampled.csv"
        left = 0
        if sampled:
            left = write_csv(
                self.connection, f"{rest} ({_literals(sampled)}) ORDER BY rowid", remainder
            )
        rewritten = {}
        for index, part in enumerate(touched):
            rewritten[index] = self.folder / f"part-{index:05d}.csv"
            write_csv(
                self.connection, f"{rest} ({literal(str(part))}) ORDER BY rowid", rewritten[index]
            )
        note = f"the newest interactions of {users:,} users are withheld"
        return Withholding(
            withheld, remainder if left else None, rewritten, None, users, rows, note
        )

    def _nothing(self, sampled: Sequence[Path], why: str) -> Withholding:
        remainder = None
        if sampled:
            self.header = read_header(sampled[0])
            remainder = self.folder / "part-sampled.csv"
            columns = ", ".join(name(column) for column in self.header)
            write_csv(self.connection, f"SELECT {columns} FROM {clean_source(sampled)}", remainder)
        return Withholding(None, remainder, {}, None, 0, 0, f"Nothing is withheld: {why}.")

    def _row(self, sql: str) -> tuple[Any, ...]:
        return self.connection.execute(sql).fetchone() or ()

    def _value(self, sql: str) -> Any:
        return self._row(sql)[0]


def _literals(paths: Sequence[Path]) -> str:
    return ", ".join(literal(str(path)) for path in paths)


def _return_rows(
    connection: DuckDBPyConnection, returned: Sequence[Path], folder: Path, header: Sequence[str]
) -> Path | None:
    """Rows that earlier runs withheld, in this export's columns."""
    selects = []
    for path in returned:
        own = read_header(path)
        cells = ", ".join(name(c) if c in own else f"NULL AS {name(c)}" for c in header or own)
        selects.append(f"SELECT {cells} FROM {clean_source([path])}")
    if not selects:
        return None
    target = folder / "part-returned.csv"
    rows = write_csv(connection, " UNION ".join(selects) + " ORDER BY ALL", target)
    return target if rows else None
