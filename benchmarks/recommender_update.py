"""trainingMode=UPDATE against the full fit: a model of the oldest 80 % of the events, brought up to
date, and retrained.

python -m benchmarks.recommender_update [--data ml-100k]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.recommender_data import DATASETS
from recdrop.recommender import Model, TrainingData, fit, update
from recdrop.recommender.data.histories import histories
from recdrop.recommender.data.split import Cases, draw_users, hold_out
from recdrop.recommender.fitting.evaluation import measure_cases


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="ml-100k", choices=list(DATASETS))
    name = parser.parse_args(arguments).data
    data = DATASETS[name]()
    history = histories(data)
    asked = draw_users(history, 0.1, 500, np.random.default_rng(0))
    cases = hold_out(history, asked)
    now = data.take(~np.isin(data.user, asked))
    before = now.take(now.timestamp <= np.quantile(now.timestamp, 0.8))
    print(f"{name}: {len(before)} events, then {len(now)}")
    print(f"{'':<12}{'seconds':>10}{'NDCG@10':>10}{'MRR@25':>10}{'coverage':>10}")
    old = _line("stale", lambda: fit("user-personalization", before), data, cases)
    _line("updated", lambda: update(old, now), data, cases)
    _line("full fit", lambda: fit("user-personalization", now), data, cases)
    return 0


def _line(title: str, make: Callable[[], Model], data: TrainingData, cases: Cases) -> Model:
    started = time.perf_counter()
    model = make()
    seconds = time.perf_counter() - started
    values = measure_cases(model, data, cases).values
    found = [
        values[key] for key in ("standard_ndcg_at_10", "mean_reciprocal_rank_at_25", "coverage")
    ]
    print(
        f"{title:<12}{seconds:>10.2f}" + "".join(f"{value:>10.4f}" for value in found), flush=True
    )
    return model


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
