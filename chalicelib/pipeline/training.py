"""The candidate: a solution version named after the run."""

from __future__ import annotations

from chalicelib.context import Context
from chalicelib.documents import SolutionEvent
from chalicelib.pipeline import recommenders
from chalicelib.runs import Run


def train(context: Context, event: SolutionEvent) -> None:
    """The run has a trained version of the solution.

    Raises:
        ResourcePending: until it is trained.
        ResourceFailed: with the service's reason.
    """
    run = Run.of(context, event)
    if wanted := run.recommender(event.solution):
        recommenders.train(run, wanted)
        return
    version = context.ledger.version(run.name, event.solution)
    if version is None:
        version = run.personalize.train(run.group, run.solution(event.solution), run.name)
        context.ledger.remember_version(run.name, event.solution, version)
    run.personalize.check_trained(version)


def trained_version(run: Run, solution: str) -> str:
    """The ARN of the run's version.

    Raises:
        LookupError: the tasks ran in a wrong order.
    """
    version = run.ledger.version(run.name, solution)
    if version is None:
        raise LookupError(
            f"Run {run.name!r} has no version of solution {solution!r}: 'Train' comes first."
        )
    return version
