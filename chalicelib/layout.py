"""Where everything lies in the two buckets: the one place that makes keys.

The drop bucket is the user's: `<group>/<dataset>/<file>`, with an optional `<group>/recdrop.toml`.
The work bucket is ours. A run is named by the content of its export, so every key below a run can be
written again by a retry without harm.
"""

from __future__ import annotations

CONFIG_NAME = "recdrop.toml"


def file_name(key: str) -> str:
    return key.rpartition("/")[2]


# -- the drop bucket -------------------------------------------------------------------------------


def dropped(group: str, *parts: str) -> str:
    """A dropped object: `parts` are its dataset folder and what lies below."""
    return "/".join((group, *parts))


def group_config(group: str) -> str:
    return dropped(group, CONFIG_NAME)


# -- the work bucket: a run ------------------------------------------------------------------------


def export_set(run: str) -> str:
    return f"sets/{run}.json"


def config(run: str) -> str:
    """The group's recdrop.toml as it was when the run began."""
    return f"runs/{run}/{CONFIG_NAME}"


def file_report(run: str, dataset: str, index: int) -> str:
    return f"runs/{run}/files/{dataset}-{index:05d}.json"


def data_report(run: str) -> str:
    return f"runs/{run}/data.json"


def withheld(run: str) -> str:
    return f"runs/{run}/withheld.csv"


def queries(run: str, solution: str) -> str:
    """The gate's batch inference input: a JSON line per withheld user."""
    return f"runs/{run}/score/{solution}/queries.json"


def answers(run: str, solution: str, side: str) -> str:
    """The folder of a batch inference job's output. `side` is candidate or live."""
    return f"runs/{run}/score/{solution}/{side}/"


def answers_file(run: str, solution: str, side: str) -> str:
    """What Personalize writes for `queries`: the name of the input with `.out` behind it."""
    return answers(run, solution, side) + file_name(queries(run, solution)) + ".out"


def decision(run: str, solution: str) -> str:
    return f"runs/{run}/score/{solution}/decision.json"


def users(run: str) -> str:
    """The ids of all users, as a JSON list; written when a solution asks for batch inference."""
    return f"runs/{run}/users.json"


def items(run: str) -> str:
    """The ids of all items with interactions, as `users`."""
    return f"runs/{run}/items.json"


def batch_input(run: str, solution: str) -> str:
    """A JSON line per question."""
    return f"runs/{run}/batch/{solution}.json"


def popular(run: str) -> str:
    """Apart from `runs/`, which expires: the API answers from it while its run's model is live."""
    return f"popular/{run}.json"


def report(run: str) -> str:
    return f"runs/{run}/report.json"


def report_page(run: str) -> str:
    return f"runs/{run}/report.html"


# -- the work bucket: a group ----------------------------------------------------------------------


def clean(group: str, dataset: str, run: str) -> str:
    """The folder that Personalize imports. Nothing but Personalize CSV may lie in it."""
    return f"clean/{group}/{dataset}/{run}/"


def clean_part(group: str, dataset: str, run: str, index: int) -> str:
    return f"{clean(group, dataset, run)}part-{index:05d}.csv"


def sampled(group: str, run: str) -> str:
    """Interactions of the users from whom the withheld ones are chosen, before the choice."""
    return f"sampled/{group}/{run}/"


def sampled_part(group: str, run: str, index: int) -> str:
    return f"{sampled(group, run)}sampled-{index:05d}.csv"


def batch_output(group: str, solution: str, run: str) -> str:
    return f"results/{group}/{solution}/{run}/"


def batch_answers(group: str, solution: str, run: str) -> str:
    """What Personalize writes for `batch_input`."""
    return batch_output(group, solution, run) + file_name(batch_input(run, solution)) + ".out"


def segments(group: str, solution: str, run: str) -> str:
    """The folder from which the API answers with segments: apart from results/, which others load."""
    return f"segments/{group}/{solution}/{run}/"


def segment_index(group: str, solution: str, run: str) -> str:
    """Which segments there are: the place of each by its question."""
    return segments(group, solution, run) + "index.json"


def segment(group: str, solution: str, run: str, place: int) -> str:
    return f"{segments(group, solution, run)}{place:05d}.json"


def forgotten_users(group: str, job: str) -> str:
    """The users that a deletion job of Personalize deletes; gone when the job is done."""
    return f"forget/{group}/{job}.csv"


def quarantine(group: str, run: str) -> str:
    """The folder of what was refused of a run's export."""
    return f"quarantine/{group}/{run}/"


def quarantined_rows(group: str, run: str, dataset: str, index: int) -> str:
    """The bad rows of one file, a JSON line each."""
    return f"{quarantine(group, run)}{dataset}-{index:05d}.jsonl"


def quarantined_file(group: str, run: str, dataset: str, index: int) -> str:
    """Why a whole file is out."""
    return f"{quarantine(group, run)}{dataset}-{index:05d}.json"


def quarantined_export(group: str, run: str) -> str:
    """Why a whole export is out."""
    return f"{quarantine(group, run)}export.json"


def incomplete_export(group: str, moment: str) -> str:
    """Why an export that never became complete was given up at `moment`; it has no run."""
    return f"{quarantine(group, moment)}incomplete.json"
