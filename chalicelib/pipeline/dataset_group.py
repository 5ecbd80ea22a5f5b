"""Into Personalize: the dataset group with its schemas, datasets, tracker and filters; the imports."""

from __future__ import annotations

from chalicelib import layout
from chalicelib.config.sections import Solution
from chalicelib.context import Context
from chalicelib.documents import DataRecord, GroupRecord, ImportDataset, Prepared, RunEvent
from chalicelib.errors import ConfigurationError
from chalicelib.pipeline import increments
from chalicelib.pipeline.quotas import check_quotas
from chalicelib.pipeline.steps import settle
from chalicelib.runs import Run
from chalicelib.vocabulary.recipes import RECIPES

ACTIONS = "action_interactions"


def prepare_group(context: Context, event: RunEvent) -> Prepared:
    """The datasets to import and the solutions to train, once all that they hang on is ready.

    Raises:
        ResourcePending: something is on its way.
        ConfigurationError: a solution asks for a back-end that there is not, or a quota would be
            exceeded.
    """
    run = Run.of(context, event)
    personalize, domain = run.personalize, run.config.group.domain
    personalize.ensure_group(run.group, domain)
    check_quotas(run)
    settle(lambda item: _ensure_dataset(run, *item), run.data.schemas.items())
    tracker = personalize.ensure_event_tracker(run.group)
    filters = {
        wanted.name: personalize.ensure_filter(run.group, wanted.name, wanted.expression)
        for wanted in run.config.filter
    }
    context.ledger.update_run(run.name, event_tracker_id=tracker, filters=filters)
    _check_backends(run)
    _tell_the_api(run, tracker, filters)
    settle(lambda solution: _apply_campaign(run, solution), run.config.solution)
    return Prepared(
        datasets=run.data.datasets if run.export.datasets else (),  # a retraining imports nothing
        solutions=_to_train(run),
    )


def _to_train(run: Run) -> tuple[str, ...]:
    if run.export.complete_by == "config":
        return run.export.solutions
    if increments.is_small(run.data):
        # Nothing can be proven with a handful of events, and what serves knows of them at once.
        return ()
    return run.config.trained


def _apply_campaign(run: Run, solution: Solution) -> None:
    """A campaign that serves has the settings of the config, whatever becomes of a new version."""
    recorded = run.ledger.serving(run.group, solution.name)
    if solution.campaign is None or recorded is None or recorded.solution_version_arn is None:
        return
    serving = run.personalize.serving_version(run.group, solution.name)
    if serving is not None:
        metadata = bool(recorded.metadata_columns)
        run.personalize.serve(
            run.group, solution.name, serving, solution.campaign, metadata=metadata
        )


def _tell_the_api(run: Run, tracker: str, filters: dict[str, str]) -> None:
    """What the config lets answer, in its order.

    What has left the config stands in to the end of the run, behind all others: until what comes in
    its place serves, nothing else could answer.
    """
    named, before = run.config.answering, run.ledger.group(run.group)
    leaving = [name for name in before.solutions if name not in named] if before else []
    record = GroupRecord(
        group=run.group,
        run=run.name,
        solutions=(*named, *leaving),
        defaults=run.config.serving.defaults,
        filters=filters,
        event_tracker_id=tracker,
        action_tracker_id=run.personalize.action_tracker(run.group)
        if ACTIONS in run.data.schemas
        else None,
    )
    run.ledger.record_group(run.token or 0, record)


def _ensure_dataset(run: Run, dataset: str, schema: str) -> None:
    personalize, domain = run.personalize, run.config.group.domain
    schema_arn = personalize.ensure_schema(run.group, dataset, schema, domain)
    personalize.ensure_dataset(run.group, dataset, schema_arn)


def _check_backends(run: Run) -> None:
    for solution in run.config.solution:
        backend = RECIPES[solution.recipe].backend
        if backend != "personalize":
            raise ConfigurationError(
                f"Solution {solution.name!r} asks for recipe {solution.recipe!r}, which runs on "
                f"{backend} and not on Personalize."
            )


def import_dataset(context: Context, event: ImportDataset) -> None:
    """The dataset holds the clean files of the run.

    Raises:
        ResourcePending: until the import is done.
        ResourceFailed: with the service's reason.
    """
    run, dataset = Run.of(context, event), event.dataset
    if dataset == "interactions" and increments.is_small(run.data):
        increments.send_events(run)
    else:
        folder = run.work.url(layout.clean(run.group, dataset, run.name))
        run.personalize.ensure_import(run.group, dataset, run.name, folder, run.data.mode)
    if dataset == "interactions":
        kept_back = layout.withheld(run.name)
        context.ledger.record_data(run.group, DataRecord(run=run.name, withheld=kept_back))
    elif "interactions" not in run.data.datasets and (held := context.ledger.data(run.group)):
        # Its report says what the items are now; the interactions are those of the run before.
        context.ledger.record_data(run.group, DataRecord(run=run.name, withheld=held.withheld))
    if context.ledger.popular(run.group) is None:
        context.ledger.record_popular(run.group, run.name, run.data.popular)
