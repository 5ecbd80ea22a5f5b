"""The gate's truth: the newest interactions of a seeded sample of users, kept out of the import.

`normalise_file` has set the rows of some users aside: of everyone in a small export, of a share in
a large one. Only those sampled files are read here. What is not withheld of them goes into the
import as one more part.

The seed is the run's, so that each night asks others. Users are drawn evenly over their activity,
which keeps what depends on it out of the noise: a proportionate stratified sample (Cochran, Sampling
Techniques, third edition, 1977, section 5.6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.config.sections import Gate
from chalicelib.normalise import engine
from chalicelib.normalise.engine import fetch_row, literal, name
from chalicelib.normalise.export.minimums import MIN_INTERACTIONS, MIN_USERS_WITH_TWO, UserCounts
from chalicelib.normalise.rows.clean import clean_source, read_header, write_csv

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STRATA = 10  # of users by how many interactions they have
NEWEST_SHARE = 0.1  # Personalize's own split: the newest tenth of a user's history is the truth


@dataclass(frozen=True)
class Withholding:
    """Files to put in place of the sampled ones.

    `withheld` is the truth, `remainder` what is imported of the sampled files, `returned` earlier
    truth that is imported now; each is None when it would have no row. `users` and `rows` are of
    `withheld`, drawn from `population` users that might have been; `note` is a sentence on what was
    done, or why nothing was.
    """

    withheld: Path | None
    remainder: Path | None
    returned: Path | None
    users: int
    rows: int
    note: str
    population: int = 0


@dataclass(frozen=True)
class Live:
    """What a live version was trained on: interactions until then, but not those `withheld`."""

    until: int
    withheld: Path | None = None


def withhold(
    sampled: Sequence[Path],
    folder: Path,
    *,
    gate: Gate,
    rows: int,
    users_with_two: int,
    wanted: int | None = None,
    live: Sequence[Live] = (),
    returned: Sequence[Path] = (),
    everyone: bool = False,
    seed: str = "recdrop",
    memory_mb: int = engine.MEMORY_MB,
) -> Withholding:
    """Choose the users and write withheld.csv, part-sampled.csv and part-returned.csv into `folder`.

    `rows` are all clean interactions of the export, and `users_with_two` is a lower bound of its
    users with two or more (the maximum over the files will do). `wanted` is how many users the power
    asks for, the gate's minimum unless given. `live` says what the live versions were trained on:
    only what none of them has seen is truth, which is what came later, and what was withheld from
    them; without one, for the first version, every interaction is eligible. `everyone` says that the
    sampled files hold all users, so that the user counts in them are exact.

    When the sampled files hold fewer eligible users than are wanted, all of them are taken. Nothing
    is withheld when the rest would fall below Personalize's minimums.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = min(max(wanted or gate.min_users, gate.min_users), gate.max_users)
    limits = _Limits(gate, rows, users_with_two, wanted, tuple(live), everyone, seed)
    header = read_header(sampled[0]) if sampled else ()
    with engine.connect(folder / "scratch", memory_mb=memory_mb) as connection:
        _load(connection, sampled, header, limits)
        sample = _choose(connection, limits)
        back = _return_rows(connection, returned, folder, header)
        remainder = _write_rows(connection, header, "NOT IN", folder / "part-sampled.csv")
        withheld = _write_rows(connection, header, "IN", folder / "withheld.csv")
    return Withholding(
        withheld, remainder, back, sample.users, sample.rows, sample.note, sample.population
    )


@dataclass(frozen=True)
class _Limits:
    """What bounds the sample; see `withhold`."""

    gate: Gate
    rows: int
    users_with_two: int
    wanted: int
    live: tuple[Live, ...]
    everyone: bool
    seed: str


@dataclass(frozen=True)
class _Sample:
    """How much the table `truth` holds, and why so."""

    users: int
    rows: int
    note: str
    population: int = 0


def _load(
    connection: DuckDBPyConnection, sampled: Sequence[Path], header: Sequence[str], limits: _Limits
) -> None:
    """Tables `rows` (the sampled rows), `per_user`, and `truth`, which is empty.

    A row is fresh if no live version has seen it. Of each user: n rows, how many of them are fresh,
    and `draw`, a random order that is the same on every machine.
    """
    connection.execute("CREATE TABLE truth (id BIGINT)")
    if not sampled:
        connection.execute("CREATE TABLE per_user (USER_ID VARCHAR, n BIGINT, fresh BIGINT)")
        return
    fresh = " AND ".join(_unseen(live) for live in limits.live) or "true"
    cells = ", ".join(f"{name(column)} AS {_kept(column)}" for column in header)
    connection.execute(
        f"CREATE TABLE rows AS SELECT {cells}, {fresh} AS is_fresh FROM {clean_source(sampled)}"
    )
    connection.execute(
        "CREATE TABLE per_user AS "
        f"SELECT {USER} AS USER_ID, count(*) AS n, count(*) FILTER (is_fresh) AS fresh, "
        f"md5({literal(limits.seed + ':')} || {USER}) AS draw FROM rows GROUP BY {USER}"
    )


def _kept(column: str) -> str:
    """A column of the export in `rows`, where it may be called like one of ours, or rowid."""
    return name(f"-{column}")


USER, TIME = _kept("USER_ID"), _kept("TIMESTAMP")


def _unseen(live: Live) -> str:
    """SQL: whether this live version has not seen the row.

    What was withheld is known again by user and time, whatever a correction made of the item.
    """
    later = f"TIMESTAMP > {live.until}"
    if live.withheld is None:
        return later
    kept_back = f"SELECT USER_ID, TIMESTAMP FROM {clean_source([live.withheld])}"
    return f"({later} OR (USER_ID, TIMESTAMP) IN ({kept_back}))"


def _choose(connection: DuckDBPyConnection, limits: _Limits) -> _Sample:
    """Choose users and mark their newest rows as truth, if there is anything to choose."""
    gate = limits.gate
    if gate.withhold == 0:
        return _nothing("the config withholds nothing")
    if limits.rows <= MIN_INTERACTIONS:
        return _nothing(
            f"{limits.rows:,} interactions are no more than Personalize's minimum of "
            f"{MIN_INTERACTIONS:,}"
        )
    (eligible,) = fetch_row(connection, "SELECT count(*) FROM per_user WHERE n > 1 AND fresh > 0")
    if not eligible:
        spare = "that no live version has seen" if limits.live else "to spare"
        return _nothing(f"no user has two interactions of which one is {spare}")
    # A user who keeps one interaction is lost to Personalize's minimum of users with two. Where
    # that breaks the minimum, only users are chosen who keep two.
    for keep in (1, 2):
        users, rows = _draw(connection, limits, keep)
        if users and _enough_left(connection, limits):
            _mark_truth(connection)
            note = f"the newest interactions of {users:,} users are withheld"
            if users < limits.wanted:
                note += f", fewer than the {limits.wanted:,} that the gate asks for"
            return _Sample(users, rows, note, _population(connection, limits, keep))
    return _nothing(
        "the rest would fall below Personalize's minimum of interactions or of users with two"
    )


def _nothing(why: str) -> _Sample:
    return _Sample(0, 0, f"Nothing is withheld: {why}.")


def _draw(connection: DuckDBPyConnection, limits: _Limits, keep: int) -> tuple[int, int]:
    """The share of the users that the gate takes anyway, or as many as are wanted.

    k, the newest rows of each, are taken; at least `keep` stay. Returns (users, rows).
    """
    gate = limits.gate
    # Of a large export the sampled files hold that share, so there all of them are it.
    share = gate.withhold if limits.everyone else 1
    tenth = f"greatest(1, CAST(round(n * {NEWEST_SHARE}) AS BIGINT))"
    strata = (
        f"SELECT *, ntile({STRATA}) OVER (ORDER BY n, draw) AS stratum "
        f"FROM per_user WHERE n > {keep} AND fresh > 0"
    )
    ranked = (
        "SELECT *, row_number() OVER (PARTITION BY stratum ORDER BY draw) AS turn, "
        f"count(*) OVER () AS users FROM ({strata})"
    )
    # One of each stratum in turn: however many are taken, they are spread over activity. Which
    # stratum comes first is drawn too.
    eligible = (
        f"SELECT USER_ID, n, users, least({tenth}, fresh, n - {keep}) AS k, "
        f"row_number() OVER (ORDER BY turn, draw) AS place FROM ({ranked})"
    )
    drawn = (
        f"SELECT USER_ID, n, k, sum(k) OVER (ORDER BY place) AS total FROM ({eligible}) "
        f"WHERE place <= least({gate.max_users}, greatest({limits.wanted}, {share} * users))"
    )
    # No more rows than the export can spare.
    connection.execute(
        f"CREATE OR REPLACE TABLE chosen AS SELECT USER_ID, n, k FROM ({drawn}) "
        f"WHERE total <= {limits.rows - MIN_INTERACTIONS}"
    )
    users, rows = fetch_row(connection, "SELECT count(*), coalesce(sum(k), 0) FROM chosen")
    return int(users), int(rows)


def _population(connection: DuckDBPyConnection, limits: _Limits, keep: int) -> int:
    """How many users might have been drawn, in the sampled files and beyond."""
    (found,) = fetch_row(
        connection, f"SELECT count(*) FROM per_user WHERE n > {keep} AND fresh > 0"
    )
    share = 1 if limits.everyone else limits.gate.withhold
    return round(int(found) / share)


def _enough_left(connection: DuckDBPyConnection, limits: _Limits) -> bool:
    """Whether the users that are left with two or more interactions are enough to train."""
    (fallen,) = fetch_row(connection, "SELECT count(*) FROM chosen WHERE n - k < 2")
    if not limits.everyone:
        return bool(limits.users_with_two - fallen >= MIN_USERS_WITH_TWO)
    users, two = fetch_row(connection, "SELECT count(*), count(*) FILTER (n > 1) FROM per_user")
    return UserCounts(users, two - fallen).can_train


def _mark_truth(connection: DuckDBPyConnection) -> None:
    """Fill the table `truth` (id: rowid in `rows`); of the same second, later lines are newer."""
    newest = f"PARTITION BY r.{USER} ORDER BY r.is_fresh DESC, r.{TIME} DESC, r.rowid DESC"
    connection.execute(
        "INSERT INTO truth SELECT id FROM ("
        f" SELECT r.rowid AS id, c.k, row_number() OVER ({newest}) AS newest"
        f" FROM rows r JOIN chosen c ON r.{USER} = c.USER_ID"
        ") WHERE newest <= k"
    )


def _write_rows(
    connection: DuckDBPyConnection, header: Sequence[str], among: str, target: Path
) -> Path | None:
    """The rows that are `IN` or `NOT IN` the truth, in their order; None when there is none."""
    if not header:
        return None
    cells = ", ".join(f"{_kept(column)} AS {name(column)}" for column in header)
    chosen = f"rows.rowid {among} (SELECT id FROM truth)"
    select = f"SELECT {cells} FROM rows WHERE {chosen} ORDER BY rows.rowid"
    return target if write_csv(connection, select, target) else None


def _return_rows(
    connection: DuckDBPyConnection, returned: Sequence[Path], folder: Path, header: Sequence[str]
) -> Path | None:
    """Rows that earlier runs withheld, in this export's columns, each once."""
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
