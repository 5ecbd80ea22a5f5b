"""What a worker process can be ordered to do.

Each work is a function of its order (`job.json`) and of the job's folder. It answers a JSON document.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from recdrop.service.jobs.worker import Work

WORKS: Mapping[str, tuple[str, str]] = {
    "import": ("importing", "import_dataset"),
    "train": ("training", "train"),
    "infer": ("inference", "infer"),
    "segment": ("segments", "make_segments"),
    "export": ("exporting", "export_dataset"),
    "delete": ("deletion", "delete_users"),
}


def do_job(spec: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Does the work that the order names, and imports only what that needs.

    An import job has no use for scipy, a training none for boto3.
    """
    module, function = WORKS[spec["work"]]
    work = cast("Work", getattr(import_module(f"recdrop.personalize.work.{module}"), function))
    return work(spec, folder)
