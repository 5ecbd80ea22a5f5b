"""`make bench-recommender`: every system on the same splits of real data, against the targets.

    python -m benchmarks.recommender [--seeds 5] [--data "ml-100k,POC"]
        [--systems recdrop,popularity] [--jobs 2] [--no-peers]

Where a split asks fewer than FEW_USERS there are twice as many splits: one says little then.

The peers live in a virtual environment of their own, made on first use from requirements/bench.txt;
what cannot be installed or run is listed as absent, never left out in silence.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import recommender_ratings
from benchmarks.recommender_data import DATASETS, ROOT, DataAbsentError
from benchmarks.recommender_split import Split, make_split
from benchmarks.recommender_systems import SYSTEMS
from recdrop.recommender import TrainingData
from recdrop.recommender.data.histories import histories, items_repeat
from recdrop.recommender.metrics import evaluate_rankings

# What runs in the peers' environment.
PEERS = (
    "recdrop + extra",
    "implicit ALS",
    "implicit BM25",
    "implicit BPR",
    "lenskit item-kNN",
    "lenskit ALS",
    "rectools EASE",
    "Surprise SVD",
)
VENV = Path(
    os.environ.get("RECDROP_BENCH_VENV", Path(tempfile.gettempdir()) / "recdrop-bench-venv")
)
OURS = ("recdrop", "recdrop (events)", "recdrop + extra")
LIMIT_SECONDS = 900
# What needs longer for a fit is measured on the first splits only.
OUR_SLOW_SECONDS = 300
SLOW_SECONDS = 40
SLOW_SEEDS = 2
FEW_USERS = 100
COLUMNS: Mapping[str, str] = {
    "NDCG@10": "standard_ndcg_at_10",
    "NDCGaws@10": "normalized_discounted_cumulative_gain_at_10",
    "NDCGaws@25": "normalized_discounted_cumulative_gain_at_25",
    "MRR@25": "mean_reciprocal_rank_at_25",
    "P@10": "precision_at_10",
    "coverage": "coverage",
    "fit s": "fit_seconds",
    "ms/user": "milliseconds",
    "peak MB": "peak_mb",
}


@dataclass(frozen=True)
class Target:
    data: str
    metric: str
    floor: float
    stretch: float | None


TARGETS = (
    Target("ml-100k likes", "NDCG@10", 0.120, 0.132),
    Target("ml-100k likes", "NDCGaws@25", 0.30, None),
    Target("ml-100k", "NDCG@10", 0.183, 0.195),
    Target("ml-latest-small", "NDCG@10", 0.118, 0.128),
    Target("POC", "NDCGaws@10", 0.40, 0.43),
    Target("POC", "MRR@25", 0.38, 0.41),
    Target("Beauty", "NDCG@10", 0.072, 0.077),
    Target("Complete Journey", "NDCG@10", 0.375, 0.39),
)
Row = dict[str, float]


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    absent: dict[str, str] = {}
    systems = [
        name for name in SYSTEMS if not options.systems or name in options.systems.split(",")
    ]
    peers = (
        _peer_python(options.no_peers, absent) if any(name in PEERS for name in systems) else None
    )
    ours: dict[str, dict[str, Row]] = {name: {} for name in OURS}
    for name in [one for one in DATASETS if not options.data or one in options.data.split(",")]:
        try:
            data = DATASETS[name]()
        except DataAbsentError as error:
            absent[name] = str(error)
            continue
        splits = _splits(data, options.seeds)
        table = _measure(name, splits, systems, peers, options.jobs, absent)
        _print_table(name, data, table, len(splits))
        for system, found in ours.items():
            found.update({name: table[system]} if system in table else {})
    for system, found in ours.items():
        if found:
            _print_targets(system, found)
    if not options.systems:
        recommender_ratings.report(peers)
    for name, reason in absent.items():
        print(f"absent: {name}: {reason}")
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", default="", help="names, comma-separated; default all")
    parser.add_argument("--systems", default="", help="names, comma-separated; default all")
    parser.add_argument(
        "--jobs", type=int, default=1, help="fits at a time; each of ours takes one core"
    )
    parser.add_argument(
        "--no-peers", action="store_true", help="only what the project itself has installed"
    )
    return parser.parse_args(arguments)


def _splits(data: TrainingData, seeds: int) -> list[Split]:
    repeats = items_repeat(histories(data))
    found = [make_split(data, seed, repeats=repeats) for seed in range(seeds)]
    more = range(seeds, 2 * seeds) if len(found[0].asked) < FEW_USERS else ()
    return [*found, *(make_split(data, seed, repeats=repeats) for seed in more)]


def _measure(
    name: str,
    splits: Sequence[Split],
    systems: Sequence[str],
    peers: str | None,
    jobs: int,
    absent: dict[str, str],
) -> dict[str, Row]:
    rows: dict[str, list[Row]] = {system: [] for system in systems}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        seeds = len(splits)
        files = [Path(folder) / f"split-{seed}.npz" for seed in range(seeds)]
        for split, file in zip(splits, files, strict=True):
            split.save(file)

        def measured(asked: tuple[str, int]) -> Row | None:
            system, seed = asked
            return _run(system, splits[seed], files[seed], peers, f"{system} on {name}", absent)

        for some in (range(min(SLOW_SEEDS, seeds)), range(SLOW_SEEDS, seeds)):
            asked = [
                (system, seed)
                for system in systems
                for seed in some
                if not _is_slow(system, rows[system])
            ]
            for (system, _), row in zip(asked, pool.map(measured, asked), strict=True):
                if row is not None:
                    rows[system].append(row)
    return {system: _mean(found) for system, found in rows.items() if found}


def _is_slow(system: str, rows: Sequence[Row]) -> bool:
    limit = OUR_SLOW_SECONDS if system in OURS else SLOW_SECONDS
    return max((row["fit_seconds"] for row in rows), default=0.0) > limit


def _run(
    system: str, split: Split, file: Path, peers: str | None, label: str, absent: dict[str, str]
) -> Row | None:
    python = peers if system in PEERS else sys.executable
    if python is None or label in absent:
        return None
    answer_file = file.with_name(f"{file.stem} {system}.npy")
    command = [python, "-m", "benchmarks.recommender_systems", system, str(file), str(answer_file)]
    print(f"  {label}, {file.stem} ...", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        absent[label] = f"took more than {LIMIT_SECONDS} s"
        return None
    if done.returncode:
        absent[label] = (done.stderr.strip().splitlines() or ["failed"])[-1]
        return None
    answers = [[str(code) for code in row if code >= 0] for row in np.load(answer_file).tolist()]
    truths = [[str(code) for code in truth] for truth in split.truths()]
    return {
        **json.loads(done.stdout.splitlines()[-1]),
        **evaluate_rankings(answers, truths, split.items).values,
    }


def _mean(rows: Sequence[Row]) -> Row:
    found = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    return {
        **found,
        "deviation": float(np.std([row[COLUMNS["NDCG@10"]] for row in rows])),
        "seeds": len(rows),
    }


def _print_table(name: str, data: TrainingData, table: Mapping[str, Row], seeds: int) -> None:
    print(
        f"\n{name}: {len(data)} events, {len(data.user_ids)} users, {len(data.item_ids)} items; "
        f"mean of up to {seeds} seeds"
    )
    print(
        "".join(
            [
                f"{'system':<22}",
                *(f"{title:>12}" for title in COLUMNS),
                f"{'sd NDCG@10':>12}{'seeds':>7}",
            ]
        )
    )
    for system, row in sorted(table.items(), key=lambda pair: -pair[1][COLUMNS["NDCG@10"]]):
        cells = [f"{row[key]:>12.{_digits(title)}f}" for title, key in COLUMNS.items()]
        print(
            "".join([f"{system:<22}", *cells, f"{row['deviation']:>12.4f}{row['seeds']:>7.0f}"]),
            flush=True,
        )


def _digits(title: str) -> int:
    return {"fit s": 2, "ms/user": 2, "peak MB": 0}.get(title, 4)


def _print_targets(system: str, ours: Mapping[str, Row]) -> None:
    print(
        f"\n{system}\n{'target':<18}{'metric':>12}{'measured':>10}{'floor':>8}{'':>9}{'stretch':>9}"
    )
    for target in TARGETS:
        if target.data in ours:
            value = ours[target.data][COLUMNS[target.metric]]
            floor = "met" if value >= target.floor else "not met"
            stretch = (
                ""
                if target.stretch is None
                else f"{target.stretch:>9} {'met' if value >= target.stretch else 'not met'}"
            )
            print(
                f"{target.data:<18}{target.metric:>12}{value:>10.4f}{target.floor:>8} {floor:<8}{stretch}"
            )


def _peer_python(skip: bool, absent: dict[str, str]) -> str | None:
    """The interpreter of the peers' environment, made when it is not there; None with a reason when
    it cannot be.
    """
    if skip:
        absent["all that needs the peers' environment"] = "left out by --no-peers"
        return None
    python = VENV / "bin" / "python"
    if not (VENV / "ready").exists():
        print(f"  making {VENV} from requirements/bench.txt ...", file=sys.stderr, flush=True)
        venv.create(VENV, with_pip=True, clear=True)
        command = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "-r",
            str(ROOT / "requirements/bench.txt"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            absent["all that needs the peers' environment"] = (
                done.stderr.strip().splitlines() or ["pip failed"]
            )[-1]
            return None
        (VENV / "ready").touch()
    return str(python)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
