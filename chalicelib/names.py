"""Every name we give: in Personalize, in Step Functions, and of runs. Nobody makes or cuts one elsewhere.

Names are the idempotency keys of the pipeline: they follow from the export, so that a retry, a
duplicate event or a redrive finds what exists. A name that is too long is cut and ends in a hash of
the whole, so two things never share one.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date

MAX_RESOURCE = 63  # Personalize, every resource
MAX_EXECUTION = 80  # Step Functions
PATTERN = r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$"  # Personalize's own, for every resource


def short_hash(text: str, digits: int = 8) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def fit(head: str, tail: str = "", limit: int = MAX_RESOURCE) -> str:
    """`head + tail`; when that is too long, a cut head, a hash of it, and the whole tail."""
    if len(head) + len(tail) <= limit:
        return head + tail
    mark = "-" + short_hash(head)
    return head[: limit - len(tail) - len(mark)] + mark + tail


# -- runs ------------------------------------------------------------------------------------------


def attempt(export: str, number: int) -> str:
    """The run of an export's n-th attempt: the names of a failed one are spent."""
    return export if number == 1 else f"{export}-{number}"


def retraining(export: str, day: date) -> str:
    """The export id of a retraining without files: once a day and group."""
    return f"{export.split('-', 1)[0]}-r{day:%Y%m%d}"


def configured(run: str, last: str, config: str) -> str:
    """The export id of a run that applies another config than that of the run `last` to the data of
    `run`. A config that comes back is another change.
    """
    return f"{run.split('-', 1)[0]}-c{short_hash(f'{last} {config}')}"


def execution(group: str, run: str) -> str:
    return fit(group, f"-{run}", MAX_EXECUTION)


# -- Personalize -----------------------------------------------------------------------------------


def schema(group: str, dataset: str, text: str) -> str:
    """A name per distinct content: other columns make another schema, and none is overwritten."""
    canonical = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    return fit(f"{group}-{dataset}", f"-{short_hash(canonical)}")


def dataset(group: str, name: str) -> str:
    return fit(group, f"-{name}")


def event_tracker(group: str) -> str:
    return fit(group, "-events")


def filter_(group: str, name: str, expression: str) -> str:
    """A filter's expression cannot be changed, so the name carries a hash of it."""
    return fit(f"{group}-{name}", f"-{short_hash(expression)}")


def solution(group: str, name: str) -> str:
    """Fits as it is: the config refuses names that are too long together."""
    return f"{group}-{name}"


def campaign(group: str, solution_name: str) -> str:
    """A campaign is called like the solution it serves."""
    return solution(group, solution_name)


def recommender(group: str, name: str) -> str:
    """As of a solution."""
    return solution(group, name)


def solution_version(solution_name: str, run: str) -> str:
    return fit(solution_name, f"-{run}")


def import_job(dataset_name: str, run: str) -> str:
    return fit(dataset_name.replace("_", "-"), f"-{run}")


def scoring_job(side: str, solution_name: str, run: str, version: str) -> str:
    """Carries the version: a live one may change between two attempts, and a used name is spent."""
    return fit(f"{side}-{run}", f"-{short_hash(f'{solution_name} {version}', 12)}")


def batch_job(solution_name: str, run: str) -> str:
    return fit(f"{solution_name}-batch", f"-{run}")
