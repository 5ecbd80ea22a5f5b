"""Into Personalize: the dataset group with its schemas, datasets, tracker and filters; the imports."""

from __future__ import annotations

from chalicelib import layout
from chalicelib.context import Context
from chalicelib.documents import DataRecord, GroupRecord, ImportDataset, Prepared, RunEvent
from chalicelib.errors import ConfigurationError
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
    return Prepared(
        datasets=run.data.datasets if run.export.datasets else (),  # a retraining imports nothing
        solutions=run.config.trained,
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
    folder = run.work.url(layout.clean(run.group, dataset, run.name))
    run.personalize.ensure_import(run.group, dataset, run.name, folder, run.data.mode)
    if dataset == "interactions":
        kept_back = layout.withheld(run.name)
        context.ledger.record_data(run.group, DataRecord(run=run.name, withheld=kept_back))
    if context.ledger.popular(run.group) is None:
        context.ledger.record_popular(run.group, run.name, run.data.popular)
