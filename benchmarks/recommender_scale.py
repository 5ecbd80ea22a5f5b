"""How training time, memory and answers grow, on synthetic shops of 10^5 to 2 x 10^7 events.

    python -m benchmarks.recommender_scale [--events 100000,1000000,20000000]

The shop has Zipf-distributed items in clusters of taste, sessions that walk along a cluster,
repeats, items that come later than others (drift) and a hundredth of items without any event
(cold). Each size runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recdrop.recommender import Model, Query, TrainingData, fit, load
from recdrop.recommender.data.records import Array

ROOT = Path(__file__).resolve().parent.parent
SIZES = (100_000, 1_000_000, 5_000_000, 20_000_000)
LIMIT = {"fit minutes": 15.0, "peak GB": 6.0, "ms/user": 2.0}
CLUSTERS = 500
YEAR = 31_536_000


def make_shop(events: int, users: int, items: int, seed: int = 0) -> TrainingData:
    """Vectorised: no loop over events or users."""
    rng = np.random.default_rng(seed)
    user = np.sort(_skewed(rng, users, events, 0.6)).astype(np.int32)
    started = np.append(True, user[1:] != user[:-1]) | (rng.random(events) < 0.2)
    session = np.cumsum(started) - 1
    taste = rng.integers(0, CLUSTERS, users)
    cluster = np.where(
        rng.random(session[-1] + 1) < 0.7,
        taste[user[started]],
        rng.integers(0, CLUSTERS, session[-1] + 1),
    )
    when = np.sort(rng.integers(0, YEAR, session[-1] + 1))[rng.permutation(session[-1] + 1)]
    size = max(1, items // CLUSTERS)
    first = _skewed(rng, size, session[-1] + 1, 1.1)
    step = np.arange(events) - np.flatnonzero(started)[session]
    # Most steps go on along the cluster, some fall back to the session's first item: sequences and
    # repeats.
    place = np.where(rng.random(events) < 0.25, first[session], first[session] + step)
    drift = (when[session] / YEAR * 0.2 * size).astype(np.int64)
    item = (cluster[session] * size + (place + drift) % max(1, int(size * 0.99))) % items
    timestamp = when[session] + 60 * step
    return TrainingData(
        _ids("u", users), _ids("i", items), user, item.astype(np.int32), timestamp.astype(np.int64)
    )


def measure(events: int) -> dict[str, float]:
    """One size, in this process."""
    users, items = max(100, events // 20), int(min(200_000, max(1000, events // 50)))
    data = make_shop(events, users, items)
    before = _peak_gb()
    started = time.perf_counter()
    model = fit("user-personalization-v2", data)
    fitted = time.perf_counter()
    asked = [str(data.user_ids[code]) for code in np.random.default_rng(1).integers(0, users, 500)]
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        saved = time.perf_counter()
        mapped = load(Path(folder) / "model")
        loaded = time.perf_counter()
        mapped.recommend(Query(user_id=asked[0]))
        seconds = [_seconds_of_answer(mapped, user) for user in asked]
    return {
        "events": events,
        "users": users,
        "items": items,
        "fit minutes": (fitted - started) / 60,
        "cpu minutes": time.process_time() / 60,
        "peak GB": _peak_gb(),
        "data GB": before,
        "save s": saved - fitted,
        "load s": loaded - saved,
        "ms/user": statistics.median(seconds) * 1000,
        "NDCG@10": model.metrics["standard_ndcg_at_10"],
    }


def _seconds_of_answer(model: Model, user: str) -> float:
    started = time.perf_counter()
    model.recommend(Query(user_id=user))
    return time.perf_counter() - started


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", default=",".join(map(str, SIZES)))
    parser.add_argument("--one", type=int, default=0, help="measure one size and print JSON")
    options = parser.parse_args(arguments)
    if options.one:
        sys.stdout.write(json.dumps(measure(options.one)) + "\n")
        return 0
    rows = [_in_own_process(int(text)) for text in options.events.split(",")]
    _print(rows)
    return 0


def _in_own_process(events: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.recommender_scale", "--one", str(events)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"  {events} events: {found['fit minutes']:.2f} min", file=sys.stderr, flush=True)
    return found


def _print(rows: Sequence[dict[str, float]]) -> None:
    print("".join(f"{title:>12}" for title in rows[0]))
    for row in rows:
        print(
            "".join(
                f"{value:>12.0f}" if title in ("events", "users", "items") else f"{value:>12.2f}"
                for title, value in row.items()
            )
        )
    last = rows[-1]
    for title, limit in LIMIT.items():
        met = "met" if last[title] <= limit else "not met"
        print(f"{title} at {last['events']:.0f} events: {last[title]:.2f}, limit {limit}: {met}")
    print("beyond: time and memory grow with the events; the ridge does not, its head is bounded.")
    print("Train on a window of the newest events, or on a larger machine;")
    print("nothing is dropped in silence.")


def _skewed(rng: np.random.Generator, size: int, draws: int, power: float) -> Array:
    """int64[draws] of 0..size-1 with probabilities falling as rank ** -power."""
    weights = np.arange(1, size + 1, dtype=np.float64) ** -power
    return np.searchsorted(np.cumsum(weights / weights.sum()), rng.random(draws)).clip(0, size - 1)


def _ids(letter: str, size: int) -> Array:
    return np.array([f"{letter}{code:08d}" for code in range(size)], dtype=object)


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
