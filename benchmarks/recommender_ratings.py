"""Rating prediction on the same five folds: ours, Surprise's SVD (its defaults, and tuned), and the
mean.

python -m benchmarks.recommender_ratings SYSTEM FOLDS.npz      one system, prints JSON
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recommender_data import DATASETS, ROOT, DataAbsentError
from recdrop.recommender.parts.factors import Plan, sample

Array = Any
Folds = dict[str, Array]
Predict = Callable[[Folds, Array, Array], Array]
DATA = ("ml-100k", "ml-latest-small")
TARGETS = {"ml-100k": (0.915, 0.909), "ml-latest-small": (0.858, 0.849)}
FOLDS = 5


def ours(folds: Folds, train: Array, test: Array) -> Array:
    shape = (int(folds["user"].max()) + 1, int(folds["item"].max()) + 1)
    rating = folds["rating"]
    found = sample(
        folds["user"][train],
        folds["item"][train],
        rating[train],
        shape,
        Plan(16, 12, 30),
        np.random.default_rng(0),
    )
    return np.clip(
        found.predict(folds["user"][test], folds["item"][test]), rating.min(), rating.max()
    )


def mean(folds: Folds, train: Array, test: Array) -> Array:
    return np.full(int(test.sum()), folds["rating"][train].mean())


def surprise_svd(folds: Folds, train: Array, test: Array) -> Array:
    return _surprise(folds, train, test, {"random_state": 0})


def surprise_tuned(folds: Folds, train: Array, test: Array) -> Array:
    return _surprise(
        folds,
        train,
        test,
        {"n_factors": 50, "n_epochs": 60, "lr_all": 0.007, "reg_all": 0.08, "random_state": 0},
    )


SYSTEMS: Mapping[str, Predict] = {
    "recdrop": ours,
    "Surprise SVD": surprise_svd,
    "Surprise tuned": surprise_tuned,
    "mean": mean,
}


def report(peers: str | None) -> None:
    """Prints one table per data set. `peers` is the interpreter that has Surprise, or None."""
    for name in DATA:
        try:
            data = DATASETS[name]()
        except DataAbsentError as error:
            print(f"absent: {name}: {error}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "folds.npz"
            values = np.asarray(data.event_value, dtype=np.float64)
            np.savez(
                file,
                user=data.user,
                item=data.item,
                rating=values,
                fold=np.random.default_rng(0).permutation(len(data)) % FOLDS,
            )
            _print_table(name, {system: _run(system, file, peers) for system in SYSTEMS})


def _run(system: str, file: Path, peers: str | None) -> dict[str, float] | str:
    python = peers if system.startswith("Surprise") else sys.executable
    if python is None:
        return "absent"
    command = [python, "-m", "benchmarks.recommender_ratings", system, str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1]
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _print_table(name: str, table: Mapping[str, dict[str, float] | str]) -> None:
    floor, stretch = TARGETS[name]
    print(f"\nrating prediction, {name}, {FOLDS} folds; floor {floor}, stretch {stretch}")
    print(f"{'system':<18}{'RMSE':>10}{'MAE':>10}{'s/fold':>10}")
    for system, row in table.items():
        cells = (
            f" {row}"
            if isinstance(row, str)
            else f"{row['rmse']:>10.4f}{row['mae']:>10.4f}{row['seconds']:>10.2f}"
        )
        verdict = _verdict(row, floor, stretch) if system == "recdrop" else ""
        print(f"{system:<18}{cells}{verdict}")


def _verdict(row: dict[str, float] | str, floor: float, stretch: float) -> str:
    if isinstance(row, str):
        return ""
    return "".join(
        f"  {title} {'met' if row['rmse'] <= limit else 'not met'}"
        for title, limit in (("floor", floor), ("stretch", stretch))
    )


def main(system: str, file: str) -> None:
    with np.load(file, allow_pickle=False) as stored:
        folds = {name: stored[name] for name in stored.files}
    errors, started = [], time.perf_counter()
    for at in range(FOLDS):
        test = folds["fold"] == at
        errors.append(SYSTEMS[system](folds, ~test, test) - folds["rating"][test])
    seconds = (time.perf_counter() - started) / FOLDS
    rmse = float(np.mean([np.sqrt((error**2).mean()) for error in errors]))
    mae = float(np.mean([np.abs(error).mean() for error in errors]))
    sys.stdout.write(json.dumps({"rmse": rmse, "mae": mae, "seconds": seconds}) + "\n")


def _surprise(folds: Folds, train: Array, test: Array, settings: Mapping[str, Any]) -> Array:
    surprise, frames = importlib.import_module("surprise"), importlib.import_module("pandas")
    rating = folds["rating"]
    frame = frames.DataFrame(
        {"u": folds["user"][train], "i": folds["item"][train], "r": rating[train]}
    )
    reader = surprise.Reader(rating_scale=(float(rating.min()), float(rating.max())))
    model = surprise.SVD(**settings)
    model.fit(surprise.Dataset.load_from_df(frame, reader).build_full_trainset())
    pairs = zip(folds["user"][test].tolist(), folds["item"][test].tolist(), strict=True)
    return np.array([model.predict(user, item).est for user, item in pairs])


if __name__ == "__main__":
    main(*sys.argv[1:])
