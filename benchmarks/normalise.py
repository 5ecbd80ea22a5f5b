"""Normalising beside the csv module doing the same job, and beside a bare DuckDB scan and copy.

    python -m benchmarks.normalise [--rows 3000000] [--rounds 3]

Each runs in a process of its own, in turn; the best of the rounds counts. The csv module does what
the normaliser does: checks ids and times, drops exact copies, profiles the columns, counts users
and event types, sets a share of the users aside, writes clean files.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
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


def ours(source: Path, folder: Path) -> None:
    rules = FileRules(columns={}, withhold=SHARE)
    normalise_file(
        source, folder, dataset="interactions", key="shop.csv", file_rules=rules, now=NOW
    )


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
                sampled[user] = int(hashlib.md5(user.encode()).hexdigest(), 16) % 100 < SHARE * 100
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


def _measure(work: Callable[[Path, Path], None], source: Path) -> Measured:
    folder = Path(tempfile.mkdtemp(dir=source.parent))
    started = time.perf_counter()
    work(source, folder)
    seconds = time.perf_counter() - started
    shutil.rmtree(folder)
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _in_a_process(work: Callable[[Path, Path], None], source: Path) -> Measured:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (work, source))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "shop.csv"
        write_shop(source, options.rows)
        size = source.stat().st_size / 1e6
        best: dict[str, Measured] = {}
        works = {
            "ours": ours,
            "csv module": csv_module,
            "DuckDB scan": bare_scan,
            "DuckDB copy": bare_copy,
        }
        for _ in range(options.rounds):
            for title, work in works.items():
                best[title] = min(best.get(title, (float("inf"), 0)), _in_a_process(work, source))
    print(f"{options.rows:,} rows, {size:.0f} MB, best of {options.rounds}")
    for title, (seconds, memory) in best.items():
        print(f"  {title:12} {seconds:7.2f} s {size / seconds:7.0f} MB/s {memory:6d} MB")
    mine = best["ours"][0]
    beside = {title: mine / seconds for title, (seconds, _) in best.items()}
    print(
        f"  ours is {1 / beside['csv module']:.1f} times as fast as the csv module at the same job"
    )
    print(
        f"  ours takes {beside['DuckDB copy']:.2f} times a bare DuckDB copy, "
        f"{beside['DuckDB scan']:.2f} times a bare scan"
    )


if __name__ == "__main__":
    main()
