"""Every JSON that one function writes and another reads, declared once.

Each kind is a frozen struct: writer, reader and tests share it, and a field that nobody reads does
not exist. What is stored (on S3, in DynamoDB) carries a `version`; a document of a version that the
struct does not name is refused with what to do, never misread. A document without one was written
before there were versions and counts as version 1.

    events and results of tasks     through Step Functions, never stored
    ExportSet, FileReport, DataReport, Decision, RunReport, PopularList,
    SegmentIndex, Segment     objects of the work bucket
    Arrival, RunRecord, ServingRecord, GroupRecord, PopularRecord, DataRecord, EvidenceRecord,
    HistoryRecord     items of the ledger
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal, TypeVar

import msgspec

from chalicelib.errors import DocumentUnreadable

D = TypeVar("D", bound="Document")
S = TypeVar("S", bound=msgspec.Struct)


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what is stored. `remedy` is what a reader can do about a document it cannot read."""

    remedy: ClassVar[str] = "Drop the export again."


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what passes through Step Functions."""


# -- reading and writing ---------------------------------------------------------------------------


def encode(document: object) -> bytes:
    """A document as the JSON that is stored."""
    return msgspec.json.encode(document)


def decode(body: bytes, kind: type[D], where: str) -> D:
    """The document at `where` (an S3 key).

    Raises:
        DocumentUnreadable: it is damaged, or of a version that `kind` does not name.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _unreadable(where, kind, error) from error


def from_item(item: Mapping[str, Any], kind: type[D]) -> D:
    """The document of a DynamoDB item; its keys and what other writers added are left out.

    Raises:
        DocumentUnreadable: as `decode`.
    """
    present = {name: value for name, value in plain(item).items() if value is not None}
    try:
        return msgspec.convert(present, kind)
    except msgspec.ValidationError as error:
        raise _unreadable(f"{item.get('pk')} {item.get('sk')}", kind, error) from error


def to_item(document: Document) -> dict[str, Any]:
    """A document as DynamoDB takes it: no floats, no absent values."""
    return {
        name: _exact(value)
        for name, value in msgspec.to_builtins(document).items()
        if value is not None
    }


def read_event(event: Mapping[str, Any], kind: type[S]) -> S:
    """A task's event. A wrong one is a mistake in the state machine: the error names the field."""
    return msgspec.convert(event, kind)


def plain(value: Any) -> Any:
    """DynamoDB's Decimals and sets as JSON has them: numbers, and sorted lists."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    return [_exact(item) for item in value] if isinstance(value, (list, tuple)) else value


def _unreadable(where: str, kind: type[Document], error: Exception) -> DocumentUnreadable:
    return DocumentUnreadable(
        f"{where} cannot be read as {kind.__name__}: {error}. "
        f"It is damaged, or of another version of recdrop. {kind.remedy}"
    )


# -- events and results of tasks -------------------------------------------------------------------


class RunEvent(Event, frozen=True, kw_only=True):
    """Which run. `token` is the fencing token of its lease; the closing tasks come without."""

    run: str
    group: str
    token: int | None = None


class TakeLease(RunEvent, frozen=True, kw_only=True):
    execution: str


class FileBatch(Event, frozen=True, kw_only=True):
    """`count` whole files of the export from index `first` on."""

    first: int
    count: int


class Lease(Event, frozen=True, kw_only=True):
    """What `take_lease` answers. No batches: a run without files."""

    token: int
    batches: tuple[FileBatch, ...]


class NormaliseFiles(RunEvent, frozen=True, kw_only=True):
    batch: FileBatch


class ImportDataset(RunEvent, frozen=True, kw_only=True):
    dataset: str


class SolutionEvent(RunEvent, frozen=True, kw_only=True):
    """What every task of the Map over solutions gets."""

    solution: str


class Prepared(Event, frozen=True, kw_only=True):
    """What `prepare_group` answers: the datasets to import, the solutions and recommenders to train."""

    datasets: tuple[str, ...]
    solutions: tuple[str, ...]


Action = Literal["promote", "hold"]
Evidence = Literal["better", "not worse", "worse", "not enough evidence", "first version"]
Result = Literal["promoted", "held", "failed"]


class Score(Event, frozen=True, kw_only=True):
    """What `score` answers: what to do, and what the withheld truth says."""

    action: Action
    evidence: Evidence


class StateError(Event, frozen=True, kw_only=True, rename="pascal"):
    """What a Catch hands on. The cause of a Lambda is its error document, as JSON text."""

    error: str = "States.Unknown"
    cause: str = ""


class SolutionResult(Event, frozen=True, kw_only=True):
    """What became of one solution, as the state machine's last Pass state says."""

    solution: str
    result: Result
    error: StateError | None = None


class RunState(Event, frozen=True, kw_only=True):
    """What is read of the state machine's own state at the end of a run."""

    solutions: tuple[SolutionResult, ...] = ()
    error: StateError | None = None


class WriteReport(RunEvent, frozen=True, kw_only=True):
    execution: str
    state: RunState


Status = Literal["succeeded", "failed"]


class Written(Event, frozen=True, kw_only=True):
    """What `write_report` answers; the state machine ends by `status`."""

    status: Status
    reason: str


# -- exports ---------------------------------------------------------------------------------------


class SourceFile(msgspec.Struct, frozen=True):
    """One object of an export. `rows` is what its manifest states, `folder` its dataset folder."""

    key: str
    size: int
    etag: str
    rows: int | None = None
    folder: str = ""


Mode = Literal["FULL", "INCREMENTAL"]


class ExportSet(Document, frozen=True, kw_only=True):
    """The files of one export, by dataset. No dataset: a retraining on what streamed in.

    `complete_by` says what completed it: the manifest's key, "quiet", "marker", "each-file",
    "retraining" or "config". `source` is the tool that wrote it, `recognised` by what it was told (a
    sentence; "" where the config says it). `again` names the run that had imported a part of it
    before the rest came. Of a run that applies a config, `solutions` are those to train.
    """

    version: Literal[1] = 1
    group: str
    datasets: Mapping[str, tuple[SourceFile, ...]]
    mode: Mode
    complete_by: str
    source: str = "plain"
    recognised: str = ""
    again: str = ""
    solutions: tuple[str, ...] = ()

    @property
    def export_id(self) -> str:
        """16 hex digits of the content: the same content, under any name, is the same export."""
        content = sorted(
            (self.group, dataset, file.size, file.etag.strip('"')) for dataset, file in self.files()
        )
        return hashlib.sha256(repr(content).encode()).hexdigest()[:16]

    @property
    def bytes(self) -> int:
        return sum(file.size for _, file in self.files())

    def files(self) -> list[tuple[str, SourceFile]]:
        """All (dataset, file), by dataset then key: a file's place here is its index."""
        return [
            (name, file)
            for name in sorted(self.datasets)
            for file in sorted(self.datasets[name], key=lambda f: f.key)
        ]


# -- the data check --------------------------------------------------------------------------------

MAX_SAMPLES = 5
Kind = Literal["id", "timestamp", "number", "integer", "boolean", "text", "empty"]
Format = Literal["csv", "json", "parquet"]
Severity = Literal["info", "warning", "error"]


class Counted(msgspec.Struct, frozen=True):
    """One kind of drop or fix: how many rows, and the lines of the first few."""

    code: str
    sentence: str
    rows: int
    lines: tuple[int, ...] = ()


class ColumnReport(msgspec.Struct, frozen=True):
    """One column of the clean file.

    `filled` counts rows with a value; `distinct` is an estimate, 0 for times; lengths are in
    characters; `too_long` counts values that are too long for a category.
    """

    name: str
    source: str
    kind: Kind
    filled: int
    distinct: int
    max_length: int = 0
    mean_length: float = 0.0
    multi_valued: int = 0
    too_long: int = 0
    minimum: float | None = None
    maximum: float | None = None
    top: tuple[tuple[str, int], ...] = ()


class Rejection(msgspec.Struct, frozen=True):
    """Why a whole file is in quarantine."""

    key: str
    code: str
    reason: str


class FileReport(Document, frozen=True, kw_only=True):
    """What happened to one file that could be used.

    Counts are rows, always exact; `sampled` of the kept rows went to the sampled file.
    """

    version: Literal[1] = 1
    dataset: str
    key: str
    source_bytes: int
    sha256: str
    format: Format
    header: tuple[str, ...]
    rows: int
    kept: int
    sampled: int = 0
    fixed: tuple[Counted, ...] = ()
    dropped: tuple[Counted, ...] = ()
    notes: tuple[str, ...] = ()
    columns: tuple[ColumnReport, ...] = ()
    first_timestamp: int | None = None
    last_timestamp: int | None = None
    event_types: dict[str, int] = {}
    users: int = 0
    users_with_two: int = 0
    items: int = 0

    @property
    def clean_header(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


class FileOutcome(Document, frozen=True, kw_only=True):
    """What `normalise_files` writes for each file: a report, or why there is none."""

    version: Literal[1] = 1
    report: FileReport | None = None
    rejected: Rejection | None = None


class Finding(msgspec.Struct, frozen=True):
    """One line of the data check: what, in how many rows, and what to do about it."""

    severity: Severity
    code: str
    sentence: str
    rows: int = 0
    share: float = 0.0
    action: str = ""
    samples: tuple[str, ...] = ()


class Requirement(msgspec.Struct, frozen=True):
    """The requirements meter: have, must have, should have."""

    name: str
    have: int
    minimum: int
    recommended: int


class DatasetSummary(msgspec.Struct, frozen=True, kw_only=True):
    """All files of one dataset together; `columns` merges the files' columns."""

    dataset: str
    files: int
    rows: int
    kept: int
    columns: tuple[ColumnReport, ...]
    event_types: dict[str, int] = {}
    first_timestamp: int | None = None
    last_timestamp: int | None = None


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """How interactions are spread, for the plots of the run's page.

    `days` are (days since 1970, interactions) of each `step` days that have any. `per_user` counts the
    users with one interaction, with two or three, four to seven, and so on; `per_item` the items.
    `repeats` is the share of interactions whose user had met the item before, `cold_items` counts
    items of the catalogue without any.
    """

    rows: int
    users: int
    items: int
    step: int
    days: tuple[tuple[int, int], ...]
    per_user: tuple[int, ...]
    per_item: tuple[int, ...]
    repeats: float = 0.0
    cold_items: int = 0


class SetReport(msgspec.Struct, frozen=True, kw_only=True):
    """The data check of an export: verdict, meter, findings; `last` is the activity of the set before."""

    verdict: Literal["yes", "yes with warnings", "no"]
    datasets: tuple[DatasetSummary, ...]
    requirements: tuple[Requirement, ...]
    findings: tuple[Finding, ...]
    activity: Activity | None = None
    last: Activity | None = None

    def summary(self, dataset: str) -> DatasetSummary | None:
        return next((s for s in self.datasets if s.dataset == dataset), None)


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What a dataset holds, for the next export to be compared with.

    `first` and `last` are epoch seconds. `sample` are the smallest hashes of its interactions; other
    datasets have rows alone.
    """

    rows: int
    users: int = 0
    items: int = 0
    first: int | None = None
    last: int | None = None
    sample: tuple[int, ...] = ()


class DataReport(Document, frozen=True, kw_only=True):
    """What `Check the export` found out, for all later tasks and for the next run.

    `datasets` are to be imported; `schemas` (Avro JSON text by dataset) are of all datasets that the
    group has; `until` is the newest interaction (epoch seconds); `popular` the key of the popular
    list, `users` and `items` those of all ids, where a solution asks for batch inference; `last_items`
    the newest imported item of each withheld user; `population` how many users might have been withheld;
    `unknown_to_live` the share of the truth whose item is in no interaction as old as the live
    version's data; `contents` is what each dataset holds after the import, by dataset.
    """

    version: Literal[1] = 1
    report: SetReport
    datasets: tuple[str, ...]
    schemas: dict[str, str]
    mode: Mode
    until: int
    interactions: int
    source_bytes: int
    last_items: dict[str, str]
    popular: str
    metadata_columns: tuple[str, ...]
    users: str | None = None
    items: str | None = None
    population: int = 0
    unknown_to_live: float | None = None
    contents: dict[str, Contents] = {}


class PopularItem(msgspec.Struct, frozen=True, rename="camel"):
    """`count` is its interactions in the export."""

    item_id: str
    count: float | None = None
    metadata: dict[str, Any] = {}


class PopularList(Document, frozen=True, kw_only=True):
    """The most popular items of an export, most interactions first, ties by item id."""

    version: Literal[1] = 1
    items: tuple[PopularItem, ...] = ()


class SegmentIndex(Document, frozen=True, kw_only=True):
    """The segments of one batch job: the place of each by its question, an item or attributes."""

    version: Literal[1] = 1
    places: dict[str, int]


class Segment(Document, frozen=True, kw_only=True):
    """The users most likely to take what is asked for, the likeliest first."""

    version: Literal[1] = 1
    users: tuple[str, ...]


# -- the gate and the report -----------------------------------------------------------------------


class Decision(Document, frozen=True, kw_only=True):
    """What the gate decided on one solution, and on what grounds.

    `metrics` maps a side (candidate, live, popularity) to the mean of each metric over `users`.
    `own_metrics` are Personalize's: shown, not decisive. `nights` of evidence there are against the
    live version; `unknown_to_live` is the share of the truth whose item live has not seen.
    """

    # 2 had fewer kinds of evidence: what reads 3 reads it.
    version: Literal[2, 3] = 3
    remedy: ClassVar[str] = "Let the run be started again: drop its export again."
    solution: str
    recipe: str
    metric: str
    action: Action
    evidence: Evidence
    reasons: tuple[str, ...]
    users: int
    candidate: str
    live: str | None = None
    metrics: Mapping[str, Mapping[str, float]] = {}
    own_metrics: Mapping[str, float] = {}
    nights: int = 0
    unknown_to_live: float | None = None


class SolutionReport(msgspec.Struct, frozen=True, kw_only=True):
    """One solution in the run report. `failure` is the state, the error and its message."""

    solution: str
    recipe: str
    result: Result
    failure: str | None = None
    decision: Decision | None = None


class Stage(msgspec.Struct, frozen=True):
    """A state of the run, of one solution or dataset where it runs for several (`of`).

    First entered, last left (epoch seconds; None while it goes on), how often, how many retries.
    """

    name: str
    started: float
    ended: float | None
    times: int
    failures: int
    of: str = ""

    @property
    def seconds(self) -> float:
        return (self.ended or self.started) - self.started


class CostLine(msgspec.Struct, frozen=True):
    """`quantity` in `unit`, `dollars` for all of it."""

    what: str
    quantity: float
    unit: str
    dollars: float


class RunReport(Document, frozen=True, kw_only=True):
    """All of a run. Times are ISO 8601 UTC. `data` is None when no file could be judged."""

    version: Literal[2] = 2
    remedy: ClassVar[str] = "The page report.html beside it still tells the same."
    run: str
    group: str
    status: Status
    reason: str
    started: str
    ended: str
    stages: tuple[Stage, ...]
    solutions: tuple[SolutionReport, ...]
    data: SetReport | None
    cost: tuple[CostLine, ...]
    next_command: str


# -- the ledger ------------------------------------------------------------------------------------


class ArrivalRecord(Document, frozen=True, kw_only=True):
    """An object of the drop bucket that belongs to no run yet.

    `arrived` is when its event came, `modified` when S3 says that it was written (0: not asked);
    epoch seconds both.
    """

    version: Literal[1] = 1
    key: str
    etag: str
    size: int
    arrived: float
    modified: float = 0.0


class TakenRecord(Document, frozen=True, kw_only=True):
    """An object of the drop bucket that a run has taken, or left out. Times as in ArrivalRecord."""

    version: Literal[1] = 1
    key: str
    etag: str
    arrived: float
    run: str


class NoteRecord(Document, frozen=True, kw_only=True):
    """What became of a group's exports when they were last looked at. `at` is epoch seconds.

    `why` is the reason in words; of a run that was started, or is known, its name.
    """

    STARTED: ClassVar[str] = "run started"
    version: Literal[1] = 1
    what: str
    why: str
    at: float


class RunRecord(Document, frozen=True, kw_only=True):
    """A run: its export, its attempt and what became of it. `claimed` and `ended` are ISO 8601 UTC.

    `filters` (ARN by name) and the event tracker are what `prepare_group` made; `ignored` maps a key
    that was left out of the export to the reason; `accepted`: somebody has let the export through,
    whatever it lacks; `destroyed`: what it made was deleted with its group, so the same export may run
    again.
    """

    version: Literal[1] = 1
    run: str
    export: str
    group: str
    attempt: int
    status: Literal["claimed", "running", "succeeded", "failed"]
    claimed: str
    started: int | None = None
    ended: str | None = None
    execution: str | None = None
    reason: str | None = None
    results: dict[str, str] = {}
    report: str | None = None
    ignored: dict[str, str] = {}
    filters: dict[str, str] = {}
    event_tracker_id: str | None = None
    accepted: bool = False
    destroyed: bool = False


class ServingRecord(Document, frozen=True, kw_only=True):
    """One served solution, as `Update campaign` leaves it for the API.

    Whether it still answers, the GroupRecord says. A recommender is asked by its own ARN, and its `recipe`
    is its use case.
    """

    version: Literal[1] = 1
    group: str
    solution: str
    recipe: str
    recipe_type: str
    campaign_arn: str | None = None
    recommender_arn: str | None = None
    solution_version_arn: str | None = None
    run: str | None = None
    metadata_columns: tuple[str, ...] = ()

    @property
    def asked(self) -> str | None:
        """The ARN of what answers."""
        return self.campaign_arn or self.recommender_arn


class GroupRecord(Document, frozen=True, kw_only=True):
    """A group that exists, and what its config lets the API do.

    No `run`: there is a config, and no export was accepted yet. `solutions` may answer, in this order;
    `defaults` names the first choice for an intent; `filters` are ARNs by name.
    """

    version: Literal[1] = 1
    group: str
    run: str | None = None
    solutions: tuple[str, ...] = ()
    defaults: dict[str, str] = {}
    filters: dict[str, str] = {}
    event_tracker_id: str | None = None
    action_tracker_id: str | None = None


class PopularRecord(Document, frozen=True, kw_only=True):
    """Where the popular list of a group lies."""

    version: Literal[1] = 1
    key: str
    run: str | None = None


class DataRecord(Document, frozen=True, kw_only=True):
    """What the group's datasets hold since the last import: its run, and what that kept back."""

    version: Literal[1] = 1
    run: str
    withheld: str | None = None


class Difference(msgspec.Struct, frozen=True):
    """Paired differences of one night, as moments over users; `third` is the third central one."""

    mean: float
    variance: float
    third: float = 0.0


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """What one run found out about its candidate against the live version.

    `live` is the live version's mean; `to_live` and `to_floor` are the differences to what the
    candidate had to reach.
    """

    run: str
    users: int
    live: float
    to_live: Difference
    to_floor: Difference
    population: int = 0


class EvidenceRecord(Document, frozen=True, kw_only=True):
    """All evidence of a lineage of candidates against one live version.

    `lineage` says by what they are judged and how they were trained: with another one, evidence
    begins anew. `at` is ISO 8601 UTC.
    """

    version: Literal[1] = 1
    solution: str
    live: str
    lineage: str
    nights: tuple[Night, ...] = ()
    at: str = ""


class HistoryRecord(Document, frozen=True, kw_only=True):
    """One thing that the pipeline did to a solution. `at` is ISO 8601 UTC."""

    version: Literal[1] = 1
    run: str
    solution: str
    did: Literal["promote", "hold", "roll back"]
    at: str = ""
    evidence: Evidence | None = None
    reasons: tuple[str, ...] = ()
    solution_version: str | None = None
