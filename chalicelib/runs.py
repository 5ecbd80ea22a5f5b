"""One run of the pipeline as its tasks see it: its identity, its pinned config and export set, its files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from chalicelib import layout
from chalicelib.buckets import Bucket
from chalicelib.config import loading
from chalicelib.config.sections import Config, Recommender, Solution
from chalicelib.context import Context
from chalicelib.documents import DataReport, ExportSet, RunEvent, RunRecord
from chalicelib.ledger import Ledger
from chalicelib.personalize.backend import Personalize


@dataclass(frozen=True)
class Run:
    """Built anew by each task from its event: nothing is kept between invocations."""

    context: Context
    name: str
    group: str
    token: int | None = None

    @classmethod
    def of(cls, context: Context, event: RunEvent) -> Run:
        """The run of a task's event; its lease is renewed.

        Raises:
            LeaseLost: the event carries a token, and the run does not hold the group with it.
        """
        if event.token is not None:
            context.ledger.renew_lease(event.group, event.run, event.token)
        return cls(context, event.run, event.group, event.token)

    @property
    def ledger(self) -> Ledger:
        return self.context.ledger

    @property
    def work(self) -> Bucket:
        return self.context.work

    @cached_property
    def personalize(self) -> Personalize:
        """With the run's memory, so that what failed before it is made anew."""
        return replace(self.context.personalize, memory=RunMemory(self.ledger, self.name))

    @cached_property
    def config(self) -> Config:
        """The group's config as it was when the run began."""
        return loading.load(self.work.read(layout.config(self.name)).decode(), self.group)

    @cached_property
    def export(self) -> ExportSet:
        return self.work.read_document(layout.export_set(self.name), ExportSet)

    @cached_property
    def data(self) -> DataReport:
        """What `Check the export` found out; for a retraining, what the run before it did."""
        return self.work.read_document(layout.data_report(self.name), DataReport)

    @property
    def record(self) -> RunRecord:
        """What the ledger knows of the run now."""
        found = self.ledger.run(self.name)
        if found is None:
            raise LookupError(
                f"The ledger has no run {self.name!r}: runs are claimed before they start."
            )
        return found

    def recommender(self, name: str) -> Recommender | None:
        """None where the name is a solution's."""
        return next((entry for entry in self.config.recommender if entry.name == name), None)

    def solution(self, name: str) -> Solution:
        return next(solution for solution in self.config.solution if solution.name == name)


@dataclass(frozen=True)
class RunMemory:
    """What a run has asked Personalize for, in the ledger: tasks share no process."""

    ledger: Ledger
    run: str

    def note(self, what: str) -> None:
        self.ledger.record_asked(self.run, what)

    def knows(self, what: str) -> bool:
        return self.ledger.has_asked(self.run, what)
