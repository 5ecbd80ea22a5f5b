"""A small shop whose users walk round the items of their own taste, and its run, task by task."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from chalicelib import layout
from chalicelib.documents import (
    ExportSet,
    FileBatch,
    ImportDataset,
    NormaliseFiles,
    RunEvent,
    Score,
    SolutionEvent,
    SourceFile,
)
from chalicelib.pipeline import check, dataset_group, files, release, scoring, training
from chalicelib.runs import Run
from tests.chalicelib.town import Town, persist

FIRST_DAY, DAY = 1_700_000_000, 86_400
CONFIG = """
[[solution]]
name = "for-you"
recipe = "aws-user-personalization-v2"
batch = { num_results = 5 }

[[solution]]
name = "similar"
recipe = "aws-similar-items"

[[filter]]
name = "tea-only"
expression = 'INCLUDE ItemID WHERE Items.TASTE IN ("taste-1")'
"""


def purchases(users: int = 60, each: int = 24, seed: int = 1, start: int = FIRST_DAY) -> bytes:
    """CSV: each user goes round the ten items of one of six tastes, now and then astray."""
    rng, rows = random.Random(seed), ["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE"]
    for user in range(users):
        step = rng.randrange(10)
        for n in range(each):
            step = rng.randrange(10) if rng.random() < 0.1 else (step + 1) % 10
            at = start + int(n * 50 * DAY / each) + rng.randrange(3600)
            rows.append(f"u{user:03d},i{user % 6}{step},{at},view")
    return "\n".join([*rows, ""]).encode()


def catalogue() -> bytes:
    rows = [f"i{taste}{n},taste-{taste},Thing {taste}-{n}" for taste in range(6) for n in range(10)]
    return "\n".join(["ITEM_ID,TASTE,NAME", *rows, ""]).encode()


def export_of(
    town: Town, group: str, objects: Mapping[str, bytes], mode: str = "FULL"
) -> ExportSet:
    """Drops `objects` (by `<dataset>/<file>`) and answers their export set."""
    datasets: dict[str, tuple[SourceFile, ...]] = {}
    for name, body in objects.items():
        dataset, key = name.split("/")[0], layout.dropped(group, name)
        town.context.drop.write(key, body)
        head = town.context.drop.head(key)
        assert head is not None
        file = SourceFile(key, head.size, head.etag, folder=dataset)
        datasets[dataset] = (*datasets.get(dataset, ()), file)
    given = {"group": group, "datasets": datasets, "mode": mode, "complete_by": "quiet"}
    return msgspec.convert(given, ExportSet)


@dataclass(frozen=True)
class Tasks:
    """The tasks of one run as the state machine enters them; pending ones are entered again."""

    run: Run

    @property
    def event(self) -> RunEvent:
        return RunEvent(run=self.run.name, group=self.run.group, token=self.run.token)

    def of(self, solution: str) -> SolutionEvent:
        run = self.run
        return SolutionEvent(run=run.name, group=run.group, token=run.token, solution=solution)

    def normalise(self) -> None:
        run = self.run
        batch = FileBatch(first=0, count=len(run.export.files()))
        files.normalise_files(
            run.context,
            NormaliseFiles(run=run.name, group=run.group, token=run.token, batch=batch),
        )

    def check(self) -> None:
        check.check_export(self.run.context, self.event)

    def bring_in(self) -> None:
        """Prepare the group, import its datasets."""
        run = self.run
        prepared = persist(lambda: dataset_group.prepare_group(run.context, self.event))
        for dataset in prepared.datasets:
            persist(self._importing(dataset))

    def _importing(self, dataset: str) -> Callable[[], None]:
        run = self.run
        event = ImportDataset(run=run.name, group=run.group, token=run.token, dataset=dataset)
        return lambda: dataset_group.import_dataset(run.context, event)

    def train(self, solution: str) -> None:
        persist(lambda: training.train(self.run.context, self.of(solution)))

    def score(self, solution: str) -> Score:
        return persist(lambda: scoring.score(self.run.context, self.of(solution)))

    def promote(self, solution: str) -> None:
        context = self.run.context
        persist(lambda: release.update_campaign(context, self.of(solution)))
        release.verify_campaign(context, self.of(solution))


def promote_all(town: Town, group: str) -> Run:
    """A whole first run: two solutions trained, scored and serving."""
    export = export_of(
        town, group, {"interactions/orders.csv": purchases(), "items/things.csv": catalogue()}
    )
    run = town.begin_run(group, CONFIG, export)
    tasks = Tasks(run)
    tasks.normalise()
    tasks.check()
    tasks.bring_in()
    for solution in run.config.solution:
        tasks.train(solution.name)
        tasks.score(solution.name)
        tasks.promote(solution.name)
    return run
