"""`make bench-models`: what the models owed, before and now, beside the simple system each lost to.

    python -m benchmarks.recommender_models [--seeds 5] [--debts "trending,cold"] [--before REF]

Before is the project as it was at a commit, out of git, asked the same questions. The intervals are
of the paired differences, 95 %, by bootstrap over the questions of all seeds. The deviation is that
of the seeds' means: of other splits, or of other fits where all seeds ask the same.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.recommender_data import DATA, ROOT
from benchmarks.recommender_debts import DEBTS, OURS, Array, Debt, Found
from recdrop.recommender.metrics import compare

# The last commit before the first of the debts was paid.
BEFORE = "651c873"


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    print(
        f"{'debt':<10}{'data':<18}{'metric':<12}{'n':>6}{'before':>8}{'now':>8}{'simple':>8}"
        f"  {'now - before':<24}  {'now - simple':<24}  deviation before, now"
    )
    with tempfile.TemporaryDirectory() as folder:
        before = _as_it_was(options.before, Path(folder))
        for name in options.debts.split(","):
            for data in DEBTS[name].data:
                _report(name, data, options.seeds, before)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--debts", default=",".join(DEBTS), help="names, comma-separated")
    parser.add_argument("--before", default=BEFORE, help="a commit")
    return parser.parse_args(arguments)


def _as_it_was(commit: str, folder: Path) -> Path:
    """A folder with the package of that commit and the questions of today."""
    packed = subprocess.run(
        ["git", "archive", commit, "recdrop"], cwd=ROOT, capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks")
    return folder


def _report(name: str, data: str, seeds: int, before: Path) -> None:
    old, new = (_measured(folder, name, data, seeds) for folder in (before, ROOT))
    debt = DEBTS[name]
    for metric in new[0][OURS]:
        was, now, simple = _columns(old, new, debt, metric)
        print(
            f"{name:<10}{data:<18}{metric:<12}{len(now):>6}{was.mean():>8.4f}{now.mean():>8.4f}"
            f"{simple.mean():>8.4f}  {_difference(now, was):<24}  {_difference(now, simple):<24}"
            f"  {_deviation(old, metric):.4f} {_deviation(new, metric):.4f}",
            flush=True,
        )
        if debt.same_questions:
            print(
                f"  of the deviation, by how few users are asked: {_by_few(old, metric):.4f} "
                f"{_by_few(new, metric):.4f}",
                flush=True,
            )


def _deviation(found: Sequence[Found], metric: str) -> float:
    return float(np.std([np.mean(one[OURS][metric]) for one in found], ddof=1))


def _by_few(found: Sequence[Found], metric: str) -> float:
    """How far the means of fits that are equally good for all users would lie apart.

    What a fit does to one user beyond what it does to all is the residual of a table of fits and
    users; its mean over the users is what is returned, as a deviation.
    """
    table = np.array([one[OURS][metric] for one in found])
    rest = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    fits, users = table.shape
    return float(np.sqrt((rest**2).sum() / ((fits - 1) * (users - 1)) / users))


def _columns(
    old: Sequence[Found], new: Sequence[Found], debt: Debt, metric: str
) -> tuple[Array, Array, Array]:
    """float64[questions of all seeds] of ours before, of ours now, and of the simple system."""
    asked = ((old, OURS), (new, OURS), (new, debt.baseline))
    was, now, simple = (
        np.concatenate([one[system][metric] for one in found]) for found, system in asked
    )
    return was, now, simple


def _measured(folder: Path, name: str, data: str, seeds: int) -> list[Found]:
    print(f"  {name}, {data}, {folder} ...", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.recommender_debts", name, data, str(seeds)],
        cwd=folder,
        env={**os.environ, "RECDROP_DATA": str(DATA)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: list[Found] = json.loads(done.stdout.splitlines()[-1])
    return found


def _difference(now: Array, then: Array) -> str:
    found = compare(now, then)
    return f"{found.difference:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
