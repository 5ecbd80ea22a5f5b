"""All clean files of an export together: judged, the gate's truth taken out, shaped to a schema."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from chalicelib import layout, sources
from chalicelib.config.sections import Gate, Solution
from chalicelib.context import Context
from chalicelib.documents import (
    Activity,
    Contents,
    DataReport,
    DatasetSummary,
    ExportSet,
    FileOutcome,
    FileReport,
    Finding,
    Rejection,
    RunEvent,
    SetReport,
)
from chalicelib.errors import ExportHeld, ExportRejected
from chalicelib.gate import promotion
from chalicelib.ledger import iso_time
from chalicelib.normalise.errors import SetHeld, SetRejected
from chalicelib.normalise.export import (
    activity,
    checking,
    comparing,
    facts,
    ids,
    popular,
    sampling,
    schemas,
    shaping,
    use_cases,
)
from chalicelib.normalise.export.sampling import Live, Withholding
from chalicelib.normalise.export.schemas import SchemaPlan
from chalicelib.pipeline.files import is_small
from chalicelib.pipeline.scoring import bars_of
from chalicelib.runs import Run

METADATA_COLUMNS = 10  # Personalize returns no more with an answer
SHOWN_REJECTIONS = 5

Files = Mapping[str, Sequence[Path]]  # by dataset


def check_export(context: Context, event: RunEvent) -> None:
    """Judges the export, withholds the gate's truth, fits the files to a schema.

    Raises:
        ExportRejected: with the reasons, which lie in quarantine too.
        ExportHeld: it would lose data, and nobody has accepted that.
    """
    run = Run.of(context, event)
    outcomes = list(_outcomes(run))
    rejected = [outcome.rejected for outcome in outcomes if outcome.rejected]
    reports = [outcome.report for outcome in outcomes if outcome.report]
    with tempfile.TemporaryDirectory() as folder:
        try:
            _Check(run, Path(folder), reports, rejected).run_all()
        except SetRejected as error:
            reasons = [str(error), *(f"{r.key}: {r.reason}" for r in rejected[:SHOWN_REJECTIONS])]
            note = {"code": error.code, "reasons": reasons}
            run.work.write_json(layout.quarantined_export(run.group, run.name), note)
            kind = ExportHeld if isinstance(error, SetHeld) else ExportRejected
            raise kind(" ".join(reasons)) from error


def _outcomes(run: Run) -> Iterator[FileOutcome]:
    for index, (dataset, _) in enumerate(run.export.files()):
        key = layout.file_report(run.name, dataset, index)
        yield run.work.read_document(key, FileOutcome)


@dataclass(frozen=True)
class _Check:
    """`folder` is scratch; `reports` are of the files that could be used."""

    run: Run
    folder: Path
    reports: Sequence[FileReport]
    rejected: Sequence[Rejection]

    def run_all(self) -> None:
        verdict = self._judge()
        self._require_events(verdict)
        contents = self._contents(verdict)
        self._hold_losses(contents)
        plans = {summary.dataset: self._plan(summary) for summary in verdict.datasets}
        truth = self._withhold(verdict)
        findings = self._findings(verdict, plans, truth)
        clean = self._shape_all(plans, truth)
        self._write_facts(clean)
        last_items = self._write_truth(clean, truth)
        report = self._report(verdict, findings, plans, truth, last_items, contents)
        self.run.work.write_json(layout.data_report(self.run.name), report)

    # -- what is there -----------------------------------------------------------------------------

    @cached_property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    @cached_property
    def before(self) -> DataReport | None:
        """The data report of the run whose import the datasets hold."""
        held = self.run.ledger.data(self.run.group)
        if held is None:
            return None
        return self.run.work.find_document(layout.data_report(held.run), DataReport)

    @cached_property
    def sampled(self) -> Sequence[Path]:
        """Interactions of the users from whom the withheld ones are chosen."""
        return self._fetch(layout.sampled(self.run.group, self.run.name))

    @cached_property
    def parts(self) -> Files:
        """The clean parts, one a file; what this task itself adds to the folder is no part."""
        run = self.run
        return {
            dataset: [
                path
                for path in self._fetch(layout.clean(run.group, dataset, run.name))
                if is_part(path)
            ]
            for dataset in run.export.datasets
        }

    def _fetch(self, prefix: str) -> list[Path]:
        target = self.folder / prefix.replace("/", "-")
        return [
            self.run.work.download(key, target / layout.file_name(key))
            for key in self.run.work.keys(prefix)
        ]

    @property
    def interactions(self) -> Sequence[Path]:
        """All of them, whoever's."""
        return [*self.sampled, *self.parts.get("interactions", ())]

    @property
    def everything(self) -> Files:
        """All clean files, the sampled ones, too."""
        return {**self.parts, "interactions": self.interactions}

    @cached_property
    def activity(self) -> tuple[Activity | None, tuple[Finding, ...]]:
        """How the interactions are spread, and what is odd about that."""
        return activity.measure(self.everything, self.scratch)

    # -- judging -----------------------------------------------------------------------------------

    def _judge(self) -> SetReport:
        return checking.check_set(
            self.reports,
            mode=self.run.export.mode,
            has_interactions=self.run.ledger.data(self.run.group) is not None,
            count=lambda: activity.user_counts(self.activity[0]),
            expected_rows=self._expected_rows(),
        )

    def _require_events(self, verdict: SetReport) -> None:
        """A use case learns from events of its own type: without them nothing is imported or trained."""
        interactions, run = verdict.summary("interactions"), self.run
        # Of what is appended to nobody knows how many events of a type there are.
        if interactions is not None and run.export.mode == "FULL":
            use_cases.require_events(run.config.recommender, interactions.event_types)

    def _expected_rows(self) -> dict[str, int]:
        files = self.run.export.files()
        return {file.key: file.rows for _, file in files if file.rows is not None}

    def _contents(self, verdict: SetReport) -> dict[str, Contents]:
        found = {summary.dataset: Contents(rows=summary.kept) for summary in verdict.datasets}
        if "interactions" in found:
            found["interactions"] = comparing.interactions_of(self.interactions, self.scratch)
        return found

    def _hold_losses(self, contents: Mapping[str, Contents]) -> None:
        """Nothing is replaced by less unless somebody has said so.

        Raises:
            SetHeld: with what is missing, and what would be lost.
        """
        source, run = self.run.config.source, self.run
        if run.record.accepted:
            return
        if not source.allow_partial and (
            found := comparing.missing(self.rejected, self.reports, self._expected_rows())
        ):
            raise SetHeld(
                "partial",
                f"Held: the export is not whole. {'; '.join(found)}. Drop it whole, set "
                f"source.allow_partial, or let it through: recdrop accept {run.name}.",
            )
        before = _contents_of(self.before)
        if run.export.mode != "FULL" or not before:
            return
        kept = 1.0
        if "interactions" in before and "interactions" in contents:
            old = before["interactions"]
            kept = comparing.share_kept(old, self.interactions, self.scratch)
        if lost := comparing.losses(before, contents, kept, source.min_kept):
            raise SetHeld(
                "shrunk",
                "Held: a full export takes the place of all data, and this one has lost too much "
                f"of it. {'; '.join(map(str, lost))}.{_times(before, contents)} Expected at least "
                f"{source.min_kept:.0%} (source.min_kept). Drop the whole export, set source.mode "
                f'= "INCREMENTAL" for parts, or let it through: recdrop accept {run.name}.',
            )

    def _plan(self, summary: DatasetSummary) -> SchemaPlan:
        """The dataset's own schema when it has one, with new columns when the config says so; else
        inferred, the config's word being the last.
        """
        config, dataset = self.run.config, summary.dataset
        live = self.before.schemas.get(dataset) if self.before else None
        if live and config.source.schema == "keep":
            return schemas.keep_schema(live, dataset, summary.columns, summary.kept)
        wanted = self._infer(summary)
        if live is None:
            return wanted
        return schemas.extend_schema(live, wanted, dataset, summary.columns, summary.kept)

    def _infer(self, summary: DatasetSummary) -> SchemaPlan:
        config, dataset = self.run.config, summary.dataset
        sections = [section for section in config.dataset if section.dataset == dataset]
        return schemas.infer_schema(
            dataset,
            summary.columns,
            summary.kept,
            config.group.domain,
            event_types=len(summary.event_types),
            categorical=[name for section in sections for name in section.categorical],
            textual=next((section.textual for section in sections if section.textual), None),
        )

    def _findings(
        self,
        verdict: SetReport,
        plans: Mapping[str, SchemaPlan],
        truth: Withholding | None,
    ) -> Sequence[Finding]:
        left_out = [
            _left_out(dataset, column, why)
            for dataset, plan in plans.items()
            for column, why in plan.left_out.items()
        ]
        unknown = ids.check_ids(self.everything, self.scratch)
        rejected = map(_quarantined, self.rejected)
        kept_back = [Finding("info", "withheld", truth.note, truth.rows)] if truth else []
        odd = self.activity[1]
        return (
            *rejected,
            *left_out,
            *odd,
            *unknown,
            *verdict.findings,
            *kept_back,
            *_of_set(self.run.export),
        )

    # -- the gate's truth --------------------------------------------------------------------------

    def _withhold(self, verdict: SetReport) -> Withholding | None:
        """None for an export without interactions."""
        interactions = verdict.summary("interactions")
        if interactions is None:
            return None
        config = self.run.config
        return sampling.withhold(
            self.sampled,
            self.folder / "withheld",
            gate=max(config.gates, key=lambda gate: gate.withhold, default=Gate()),
            rows=interactions.kept,
            users_with_two=max((report.users_with_two for report in self.reports), default=0),
            wanted=max(map(self._users_wanted, config.solution), default=None),
            live=self.live,
            returned=self._earlier_truth(),
            everyone=is_small(self.run.export),
            seed=self.run.name,
        )

    def _users_wanted(self, solution: Solution) -> int:
        """How many users see a loss of `gate.detect`, by what the last decision's users differed."""
        last = self.run.ledger.last_evidence(self.run.group, solution.name)
        nights = last.nights if last else ()
        return promotion.users_wanted(nights, bars_of(solution), solution.gate.detect)

    @cached_property
    def live(self) -> Sequence[Live]:
        """What each live version was trained on; none when nothing is live."""
        run, found = self.run, []
        served = (run.ledger.serving(run.group, name) for name in run.config.answering)
        for trained in sorted({serving.run for serving in served if serving and serving.run}):
            report = run.work.find_document(layout.data_report(trained), DataReport)
            if report:
                found.append(Live(report.until, self._withheld_by(trained)))
        return found

    def _withheld_by(self, trained: str) -> Path | None:
        key = layout.withheld(trained)
        if self.run.work.head(key) is None:
            return None
        return self.run.work.download(key, self.folder / f"withheld-by-{trained}.csv")

    def _earlier_truth(self) -> Sequence[Path]:
        """What the run before kept back goes in with an incremental import; a full one has it."""
        held = self.run.ledger.data(self.run.group)
        if self.run.export.mode != "INCREMENTAL" or held is None or held.withheld is None:
            return ()
        if self.run.work.head(held.withheld) is None:
            return ()
        return [self.run.work.download(held.withheld, self.folder / "earlier.csv")]

    # -- what is written ---------------------------------------------------------------------------

    def _shape_all(self, plans: Mapping[str, SchemaPlan], truth: Withholding | None) -> Files:
        """The files as they are imported, with exactly the schema's columns, in the import folder."""
        files = {dataset: list(paths) for dataset, paths in self.parts.items()}
        if truth:
            files["interactions"] += [path for path in (truth.remainder, truth.returned) if path]
        return {
            dataset: [self._shape(dataset, path, plan) for path in files[dataset]]
            for dataset, plan in plans.items()
        }

    def _shape(self, dataset: str, path: Path, plan: SchemaPlan) -> Path:
        shaped = self.folder / "shaped" / dataset / path.name
        shaped.parent.mkdir(parents=True, exist_ok=True)
        result = shaped if shaping.shape_csv(path, shaped, plan.schema) else path
        # A part that fits as it is lies in the folder already.
        if result == shaped or not is_part(path):
            folder = layout.clean(self.run.group, dataset, self.run.name)
            self.run.work.upload(result, folder + path.name)
        return result

    def _write_facts(self, clean: Files) -> None:
        """The popular list, and users and items where a solution asks for batch inference."""
        run, interactions = self.run, clean.get("interactions")
        if not interactions:
            return
        best = popular.popular_items(interactions, clean.get("items", ()), self.scratch)
        run.work.write_json(layout.popular(run.name), best)
        if self._wants_ids():
            users = facts.all_ids("USER_ID", interactions, self.scratch)
            run.work.write_json(layout.users(run.name), users)
            items = facts.all_ids("ITEM_ID", interactions, self.scratch)
            run.work.write_json(layout.items(run.name), items)

    def _write_truth(self, clean: Files, truth: Withholding | None) -> dict[str, str]:
        """The withheld interactions; answers each of their users' newest imported item."""
        if truth is None or truth.withheld is None:
            return {}
        self.run.work.upload(truth.withheld, layout.withheld(self.run.name))
        return facts.last_items(clean["interactions"], truth.withheld, self.scratch)

    def _unknown_to_live(self, truth: Withholding | None) -> float | None:
        """How much of the truth is news to what serves; only a full export can say."""
        known = self.live and self.run.export.mode == "FULL"
        if not known or truth is None or truth.withheld is None:
            return None
        until = max(live.until for live in self.live)
        return facts.unknown_items(self.interactions, truth.withheld, until, self.scratch)

    def _report(
        self,
        verdict: SetReport,
        findings: Sequence[Finding],
        plans: Mapping[str, SchemaPlan],
        truth: Withholding | None,
        last_items: dict[str, str],
        contents: Mapping[str, Contents],
    ) -> DataReport:
        """An export without interactions takes over what the run before knew of them."""
        run, before = self.run, self.before
        interactions = verdict.summary("interactions")
        return DataReport(
            report=SetReport(
                verdict=checking.verdict(findings),
                datasets=verdict.datasets,
                requirements=verdict.requirements,
                findings=tuple(findings),
                activity=self.activity[0],
                last=before.report.activity if before else None,
            ),
            datasets=tuple(sorted(plans)),
            schemas={
                **(before.schemas if before else {}),
                **{dataset: plan.schema for dataset, plan in plans.items()},
            },
            mode=run.export.mode,
            until=(interactions.last_timestamp or 0) if interactions else _known(before).until,
            interactions=interactions.kept if interactions else _known(before).interactions,
            source_bytes=run.export.bytes,
            last_items=last_items,
            popular=layout.popular(run.name) if interactions else _known(before).popular,
            metadata_columns=self._metadata(plans),
            users=self._ids(layout.users) if interactions else _known(before).users,
            items=self._ids(layout.items) if interactions else _known(before).items,
            population=truth.population if truth else 0,
            unknown_to_live=self._unknown_to_live(truth),
            contents=comparing.add(_contents_of(before), contents, run.export.mode),
        )

    def _ids(self, key: Callable[[str], str]) -> str | None:
        """The key of the list of all users or items, if this run has one."""
        return key(self.run.name) if self._wants_ids() else None

    def _wants_ids(self) -> bool:
        return any(solution.batch for solution in self.run.config.solution)

    def _metadata(self, plans: Mapping[str, SchemaPlan]) -> tuple[str, ...]:
        """The item columns that campaigns return with an answer."""
        if "items" not in plans:
            return self.before.metadata_columns if self.before else ()
        columns = [column for column in plans["items"].columns if column != "ITEM_ID"]
        return tuple(columns[:METADATA_COLUMNS])


def is_part(path: Path) -> bool:
    """Whether `layout.clean_part` named it: `part-` and five digits."""
    return path.stem.removeprefix("part-").isdigit()


def _known(before: DataReport | None) -> DataReport:
    """`checking.check_set` refuses an export without interactions to a group that has none."""
    if before is None:
        raise LookupError("An export without interactions, and no report of a run before it.")
    return before


def _left_out(dataset: str, column: str, why: str) -> Finding:
    return Finding(
        "info",
        "left-out",
        f"{column} of {dataset} is left out: {why}",
        action="drop the column, or see source.schema",
    )


def _of_set(export: ExportSet) -> Iterator[Finding]:
    """Who wrote the export, and what had run of it before."""
    if export.recognised and export.source != "plain":
        writer = sources.ADAPTERS[export.source].writer
        how = "added to what is there" if export.mode == "INCREMENTAL" else "in place of it"
        yield Finding(
            "info",
            "source",
            f"taken for an export of {writer}, since {export.recognised}: imported {how}",
            action="source.kind and source.mode of recdrop.toml say otherwise",
        )
    if export.again:
        yield Finding(
            "info",
            "late-part",
            f"a part of this export was imported by run {export.again} before the rest of it came: "
            "it is imported again as a whole",
        )


def _quarantined(rejection: Rejection) -> Finding:
    return Finding(
        "error",
        rejection.code,
        f"{rejection.key} is in quarantine: {rejection.reason}",
        action="mend the file and drop the export again",
        samples=(rejection.key,),
    )


def _contents_of(before: DataReport | None) -> Mapping[str, Contents]:
    return before.contents if before else {}


def _times(before: Mapping[str, Contents], now: Mapping[str, Contents]) -> str:
    """The time range then and now, where both have interactions."""
    ranges = [
        f"{iso_time(held.first)} to {iso_time(held.last)}"
        for held in (before.get("interactions"), now.get("interactions"))
        if held and held.first is not None and held.last is not None
    ]
    return f" Interactions of {ranges[0]} before, {ranges[1]} now." if len(ranges) == 2 else ""
