"""Where everything lies in the work bucket: the one place that makes keys.

A run is named by the content of its export (exports/sets.py), so every key below a run can be
written again by a retry without harm.
"""

from __future__ import annotations


def export_set(run: str) -> str:
    return f"sets/{run}.json"


def config(run: str) -> str:
    """The group's recdrop.toml as it was when the run began."""
    return f"runs/{run}/recdrop.toml"


def file_report(run: str, dataset: str, index: int) -> str:
    return f"runs/{run}/files/{dataset}-{index:05d}.json"


def data_report(run: str) -> str:
    return f"runs/{run}/data.json"


def quarantine(group: str, run: str, name: str) -> str:
    return f"quarantine/{group}/{run}/{name}"


def clean(group: str, dataset: str, run: str) -> str:
    """The folder that Personalize imports. Nothing but Personalize CSV may lie in it."""
    return f"clean/{group}/{dataset}/{run}/"


def sampled(group: str, run: str) -> str:
    """Interactions of the users from whom the withheld ones are chosen, before the choice."""
    return f"sampled/{group}/{run}/"


def withheld(run: str) -> str:
    return f"runs/{run}/withheld.csv"


def queries(run: str, solution: str) -> str:
    """The batch inference input: a JSON line per withheld user."""
    return f"runs/{run}/score/{solution}/queries.json"


def answers(run: str, solution: str, side: str) -> str:
    """The folder of a batch inference job's output. `side` is candidate, live or batch."""
    return f"runs/{run}/score/{solution}/{side}/"


def decision(run: str, solution: str) -> str:
    return f"runs/{run}/score/{solution}/decision.json"


def users(run: str) -> str:
    """The ids of all users of the interactions, as a JSON list; written when a solution asks for
    batch inference.
    """
    return f"runs/{run}/users.json"


def batch_input(run: str) -> str:
    return f"runs/{run}/batch/users.json"


def popular(run: str) -> str:
    return f"runs/{run}/popular.json"


def report(run: str, extension: str) -> str:
    return f"runs/{run}/report.{extension}"


def batch_output(group: str, solution: str, run: str) -> str:
    return f"results/{group}/{solution}/{run}/"
