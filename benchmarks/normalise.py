"""Normalising beside csv, pandas and Polars doing the same job, and beside a bare DuckDB scan and copy.

    make bench-normalise
    python -m benchmarks.normalise [--rows 10000000] [--parts 1,1000] [--rounds 1]

Each runs in a process of its own, in turn; the best of the rounds counts. The csv module does what
the normaliser does: checks ids and times, drops exact copies, profiles the columns, counts users
and event types, sets a share of the users aside, writes clean files. pandas and Polars do the same in
their own words, all in memory; without them installed they are left out. Of many parts each is
read, cleaned and written by itself, as a Lambda does it.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib
import importlib.util
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import duckdb

from chalicelib.normalise.rows.filerules import FileRules
from chalicelib.normalise.rows.files import normalise_file

SHARE = 0.02
NOW = 1_763_000_000.0
COLUMNS = ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "DEVICE")
Measured = tuple[float, int]  # seconds, peak memory in MB


def write_shop(path: Path, rows: int) -> None:
    """Interactions as a shop exports them: UUIDs for users, slugs for items."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SELECT setseed(0.5)")
    connection.execute(
        "COPY (SELECT md5((random() * 200000)::INT::VARCHAR)::UUID AS USER_ID, "
        "'blue-silk-shirt-' || (random() * 50000)::INT AS ITEM_ID, "
        "(1700000000 + random() * 10000000)::BIGINT AS TIMESTAMP, "
        "['View', 'Add to cart', 'Purchase'][1 + (random() * 2)::INT] AS EVENT_TYPE, "
        "['phone', 'tablet', 'desktop'][1 + (random() * 2)::INT] AS DEVICE "
        f"FROM range({rows})) TO '{path}' (HEADER)"
    )


def write_parts(folder: Path, rows: int, parts: int) -> list[Path]:
    """The same rows in so many files."""
    whole = folder / "shop.csv"
    write_shop(whole, rows)
    if parts == 1:
        return [whole]
    paths = [folder / f"part-{n:05}.csv" for n in range(parts)]
    each = -(-rows // parts)
    with whole.open("rb") as lines:
        header = lines.readline()
        for path in paths:
            with path.open("wb") as out:
                out.write(header)
                out.writelines(islice(lines, each))
    whole.unlink()
    return paths


def ours(source: Path, folder: Path) -> None:
    rules = FileRules(columns={}, withhold=SHARE)
    normalise_file(
        source, folder, dataset="interactions", key="shop.csv", file_rules=rules, now=NOW
    )


def with_pandas(source: Path, folder: Path) -> None:
    pandas = importlib.import_module("pandas")
    rows = pandas.read_csv(source, dtype=str, keep_default_na=False)
    stamps = pandas.to_numeric(rows["TIMESTAMP"], errors="coerce")
    is_good = stamps.between(1, NOW)
    for column in COLUMNS[:2]:
        cells = rows[column]
        is_good &= (cells.str.strip() != "") & (cells.str.len() <= 256) & ~cells.str.contains('"')
    rows = rows[is_good].drop_duplicates()
    for column in COLUMNS:
        rows[column].nunique()
        rows[column].str.len().max()
    users = rows["USER_ID"].value_counts()
    rows["EVENT_TYPE"].value_counts()
    is_aside = rows["USER_ID"].map({user: _is_aside(user) for user in users.index})
    rows[~is_aside].to_csv(folder / "part.csv", index=False)
    rows[is_aside].to_csv(folder / "sampled.csv", index=False)


def with_polars(source: Path, folder: Path) -> None:
    pl = importlib.import_module("polars")
    rows = pl.read_csv(source, infer_schema=False)
    stamps = pl.col("TIMESTAMP").cast(pl.Int64, strict=False)
    is_good = stamps.is_between(1, int(NOW))
    for column in COLUMNS[:2]:
        cells = pl.col(column)
        is_good &= cells.str.strip_chars() != ""
        is_good &= (cells.str.len_chars() <= 256) & ~cells.str.contains('"', literal=True)
    rows = rows.filter(is_good).unique(maintain_order=True)
    rows.select(pl.all().n_unique())
    rows.select(pl.all().str.len_chars().max())
    users = rows["USER_ID"].value_counts()
    rows["EVENT_TYPE"].value_counts()
    aside = [user for user in users["USER_ID"] if _is_aside(user)]
    is_aside = pl.col("USER_ID").is_in(aside)
    rows.filter(~is_aside).write_csv(folder / "part.csv")
    rows.filter(is_aside).write_csv(folder / "sampled.csv")


def _is_aside(user: str) -> bool:
    return int(hashlib.md5(user.encode()).hexdigest(), 16) % 100 < SHARE * 100


def csv_module(source: Path, folder: Path) -> None:
    seen: set[int] = set()
    distinct: list[set[str]] = [set() for _ in COLUMNS]
    longest = [0] * len(COLUMNS)
    users: Counter[str] = Counter()
    events: Counter[str] = Counter()
    sampled: dict[str, bool] = {}
    last = int(NOW)
    with (
        source.open(newline="") as file,
        (folder / "part.csv").open("w", newline="") as part,
        (folder / "sampled.csv").open("w") as aside,
    ):
        reader = csv.reader(file)
        header = next(reader)
        kept, kept_aside = csv.writer(part), csv.writer(aside)
        kept.writerow(header)
        kept_aside.writerow(header)
        for row in reader:
            if len(row) != len(header):
                continue
            user, item, stamp, event, _ = row
            if (
                not user.strip()
                or not item.strip()
                or len(user) > 256
                or len(item) > 256
                or '"' in user
                or '"' in item
            ):
                continue
            try:
                seconds = int(stamp)
            except ValueError:
                continue
            if not 0 < seconds <= last:
                continue
            key = hash(tuple(row))
            if key in seen:
                continue
            seen.add(key)
            for index, value in enumerate(row):
                distinct[index].add(value)
                longest[index] = max(longest[index], len(value))
            users[user] += 1
            events[event] += 1
            if user not in sampled:
                sampled[user] = _is_aside(user)
            (kept_aside if sampled[user] else kept).writerow(row)


def bare_scan(source: Path, folder: Path) -> None:
    _duckdb(folder, f"SELECT {', '.join(f'count({c})' for c in COLUMNS)} FROM {_reader(source)}")


def bare_copy(source: Path, folder: Path) -> None:
    _duckdb(folder, f"COPY (SELECT * FROM {_reader(source)}) TO '{folder / 'copy.csv'}' (HEADER)")


def _reader(source: Path) -> str:
    return f"read_csv('{source}', all_varchar = true)"


def _duckdb(folder: Path, sql: str) -> None:
    connection = duckdb.connect(
        config={"threads": 2, "memory_limit": "320MB", "temp_directory": str(folder / "tmp")}
    )
    connection.execute("SET enable_progress_bar = false")
    connection.execute(sql).fetchall()


def _measure(work: Callable[[Path, Path], None], sources: Sequence[Path]) -> Measured:
    folder = Path(tempfile.mkdtemp(dir=sources[0].parent))
    started = time.perf_counter()
    for source in sources:
        work(source, folder)
    seconds = time.perf_counter() - started
    shutil.rmtree(folder)
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _in_a_process(work: Callable[[Path, Path], None], sources: Sequence[Path]) -> Measured:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (work, sources))


def _works() -> dict[str, Callable[[Path, Path], None]]:
    others = {"pandas": with_pandas, "polars": with_polars}
    return {
        "ours": ours,
        "csv module": csv_module,
        **{name: work for name, work in others.items() if importlib.util.find_spec(name)},
        "DuckDB scan": bare_scan,
        "DuckDB copy": bare_copy,
    }


def compare(rows: int, parts: int, rounds: int) -> None:
    """Print what each took for so many rows in so many files."""
    with tempfile.TemporaryDirectory() as folder:
        sources = write_parts(Path(folder), rows, parts)
        size = sum(path.stat().st_size for path in sources) / 1e6
        best: dict[str, Measured] = {}
        for _ in range(rounds):
            for title, work in _works().items():
                best[title] = min(best.get(title, (float("inf"), 0)), _in_a_process(work, sources))
    files = "one file" if parts == 1 else f"{parts:,} files"
    print(f"{rows:,} rows, {size:,.0f} MB in {files}, best of {rounds}")
    for title, (seconds, memory) in best.items():
        print(f"  {title:12} {seconds:7.2f} s {size / seconds:7.0f} MB/s {memory:6d} MB")
    mine = best["ours"][0]
    beside = {title: mine / seconds for title, (seconds, _) in best.items()}
    print(
        f"  ours is {1 / beside['csv module']:.1f} times as fast as the csv module at the same job"
    )
    print(
        f"  ours takes {beside['DuckDB copy']:.2f} times a bare DuckDB copy, "
        f"{beside['DuckDB scan']:.2f} times a bare scan",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--parts", default="1", help="numbers of files, with commas between")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for parts in options.parts.split(","):
        compare(options.rows, int(parts), options.rounds)


if __name__ == "__main__":
    main()
