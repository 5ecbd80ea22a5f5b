"""What the worker processes do. Each work is a function of its order (`job.json`) that answers a JSON document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local.personalize.work.deletion import delete_users
from local.personalize.work.exporting import export_dataset
from local.personalize.work.importing import import_dataset
from local.personalize.work.inference import infer
from local.personalize.work.segments import make_segments
from local.personalize.work.training import train

Work = Callable[[Mapping[str, Any], Path], Mapping[str, Any]]

WORKS: Mapping[str, Work] = {
    "import": import_dataset,
    "train": train,
    "infer": infer,
    "segment": make_segments,
    "export": export_dataset,
    "delete": delete_users,
}


def do_job(spec: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    return WORKS[spec["work"]](spec, folder)
