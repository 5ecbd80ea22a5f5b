"""The tasks of statemachines/pipeline.asl.json, one function each: event in, small JSON out.

Each can be entered again at any time. Big things travel by S3 key; a task that waits raises
ResourcePending.
"""

from chalicelib.pipeline.closing import notify, release_lease, write_report
from chalicelib.pipeline.intake import check_export, normalise_files, take_lease
from chalicelib.pipeline.release import (
    roll_back,
    run_batch_inference,
    update_campaign,
    verify_campaign,
)
from chalicelib.pipeline.training import import_dataset, prepare_group, score, train

__all__ = [
    "check_export",
    "import_dataset",
    "normalise_files",
    "notify",
    "prepare_group",
    "release_lease",
    "roll_back",
    "run_batch_inference",
    "score",
    "take_lease",
    "train",
    "update_campaign",
    "verify_campaign",
    "write_report",
]
