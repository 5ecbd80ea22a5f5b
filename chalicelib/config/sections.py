"""The sections of `recdrop.toml` as frozen structs, with the defaults of a group that has none.

What may stand in a key is said by its type, or by a table of chalicelib/vocabulary for which the type
is a plain `str` (`schema.CHOICES` names the tables). The JSON schema repeats these docstrings to
whoever writes a config in an editor.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from chalicelib import names
from chalicelib.documents import Mode
from chalicelib.vocabulary import metrics
from chalicelib.vocabulary.recipes import RECIPES
from chalicelib.vocabulary.use_cases import Domain

# The names of `chalicelib.sources.ADAPTERS`, which a test compares with these.
Kind = Literal[
    "bigquery",
    "databricks",
    "delta",
    "ga4",
    "glue",
    "movielens",
    "plain",
    "redshift",
    "segment",
    "sequences",
    "shopify",
    "snowflake",
    "snowplow",
    "spark",
]

Name = Annotated[
    str, msgspec.Meta(pattern=names.PATTERN, min_length=1, max_length=names.MAX_RESOURCE)
]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Complete = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(auto|manifest|marker|each-file|quiet:[1-9][0-9]*[smh])$",
        description="auto, manifest, marker, each-file or quiet:<n>s|m|h, for example quiet:5m",
    ),
]
Timezone = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$",
        description="an IANA zone such as Europe/Berlin",
    ),
]
TimestampFormat = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(auto|month-first|day-first|excel|(nano|micro|milli)?seconds"
        r"|(?=.*%)([^%]|%[AaBbdfgHIjMmnpSYyZz%])+)$",
        description="auto, month-first, day-first, excel, seconds, milliseconds, microseconds, "
        "nanoseconds, or strptime's directives, for example %d.%m.%Y %H:%M",
    ),
]
Delimiter = Annotated[
    str,
    msgspec.Meta(
        pattern=r'^(auto|[^\n\r"\\]{1,4})$',
        description='auto, or one to four characters, for example ";", "\\t", "|" or "::"',
    ),
]
ColumnMap = dict[str, str]
Scalar = str | int | float | bool


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all sections: frozen, by keyword, unknown keys are errors."""


class Group(_Section, frozen=True):
    """The dataset group; its name is the first folder of the drop path."""

    domain: Domain | None = None


class Source(_Section, frozen=True):
    """How exports arrive.

    `kind` is the tool that writes them, which "auto" recognises by the names of its files; from it
    follow `complete` and `mode` where they are not set.
    `columns` maps a Personalize column to the export's own name; `header` names the columns of
    files that have no header line; `encoding` is that of the files, a name of Python's;
    `delimiter`, `quote` and `escape` say how CSV is written, and `nulls` what stands for no value,
    where the file does not say;
    `timezone` is that of timestamps written without one;
    `timestamp_format` is how they are written, where that cannot be told from the file;
    `whole_ids` reads ids such as 17850.0 as 17850;
    `max_bad_rows` is the share of rows that may be dropped before a file is refused. `schema`
    "keep" leaves columns out that a dataset's schema does not have and refuses exports that break
    it; "update" adds new columns to the schema of items and users, and refuses them elsewhere.
    A FULL export that holds less than the share `min_kept` of the import it would replace is held;
    so is one of which a file is in quarantine or cut, unless `allow_partial`.
    """

    kind: Literal["auto"] | Kind = "auto"
    complete: Complete = "auto"
    columns: ColumnMap = {}
    mode: Mode | None = None
    encoding: str = "auto"
    delimiter: Delimiter = "auto"
    quote: Literal["auto", '"', "none"] = "auto"
    escape: Literal["auto", "double", "backslash", "backslash-inside", "backslash-outside"] = "auto"
    nulls: tuple[str, ...] | None = None
    timezone: Timezone = "UTC"
    timestamp_format: TimestampFormat = "auto"
    max_bad_rows: Fraction = 0.05
    header: tuple[str, ...] = ()
    keep_duplicates: bool = False
    whole_ids: bool = False
    schema: Literal["keep", "update"] = "keep"
    min_kept: Fraction = 0.5
    allow_partial: bool = False


class Campaign(_Section, frozen=True):
    """How a promoted version serves. Unset keys are Personalize's own defaults."""

    min_provisioned_tps: Count = 1
    exploration_weight: Fraction | None = None
    exploration_item_age_cut_off: Count | None = None


class Gate(_Section, frozen=True):
    """When a candidate replaces the live version.

    It must score at least `over_popularity` times the popularity baseline, and must not lose more
    than `max_regression` (relative) against live; both are said in terms of NDCG@10, and scaled to
    `metric`. Unset, `over_popularity` is 1.10 for what is asked by a user, and 0 for what is no guess
    at what sells (related items) or is popularity itself. `detect` is the loss that the gate should
    see in 8 of 10 cases: it decides on how many users are withheld, from `min_users`, which are
    taken until a run has shown how much users differ, to `max_users`. `withhold` is the share of all
    users that is taken anyway. `when_unsure` says what to do where the sample cannot tell. A first
    version without evidence against it is promoted: nothing is live that it could harm.
    """

    metric: str = metrics.DEFAULT
    over_popularity: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    max_regression: Fraction = 0.03
    detect: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.03
    when_unsure: Literal["hold", "promote"] = "hold"
    withhold: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.02
    min_users: Count = 200
    max_users: Count = 2000


class Batch(_Section, frozen=True):
    """A batch job after each promotion, in the form that the recipe wants.

    For every known user, for every item of the export (related items), or for each user the most
    popular items in the user's order (ranking). A recipe for segments finds `num_results` users for
    each of `items`, else for the most popular ones, or for each of `attributes`, such as
    `ITEMS.CATEGORY_L1 = "tea"`; it has no other use, so it makes them without a `batch`, too.
    """

    num_results: Annotated[int, msgspec.Meta(ge=1, le=5_000_000)] = 25
    filter: Name | None = None
    items: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


class Solution(_Section, frozen=True):
    """A model to train, prove and serve.

    `settings` are hyperparameters of the recipe, `hpo` searches for better ones. `event_weights`
    says how much each event type counts; `event_type` is the only one that counts, from the EVENT_VALUE
    `event_value_threshold` on.
    `campaign` serves the model, `batch` answers for all users after each promotion.
    """

    name: Name
    recipe: str
    campaign: Campaign | None = Campaign()
    gate: Gate = Gate()
    batch: Batch | None = None
    settings: dict[str, Scalar] = {}
    event_weights: dict[str, Fraction] = {}
    event_type: str | None = None
    event_value_threshold: float | None = None
    hpo: bool = False


class Recommender(_Section, frozen=True):
    """A use case of a domain group: trained, asked by the gate, and served by the same routes.

    Personalize trains it again by itself every seven days, and when the columns change that it trains
    on: all but `exclude_columns`, by dataset. `stopped` stops it, and what it costs, without deleting
    it. `gate` decides whether the API answers from it.
    """

    name: Name
    use_case: str
    min_requests_per_second: Count = 1
    exploration_weight: Fraction | None = None
    exploration_item_age_cut_off: Count | None = None
    metadata: bool = True
    exclude_columns: dict[str, tuple[str, ...]] = {}
    stopped: bool = False
    gate: Gate = Gate()


class Serving(_Section, frozen=True):
    """Which solution answers where a request names none, by what the request wants.

    Unset, it is the first of the config that is for it.
    """

    personal: Name | None = None
    related: Name | None = None
    ranked: Name | None = None
    popular: Name | None = None
    trending: Name | None = None
    action: Name | None = None

    @property
    def defaults(self) -> dict[str, str]:
        """The solution by intent, where the config names one."""
        named = {intent: getattr(self, intent) for intent in self.__struct_fields__}
        return {intent: name for intent, name in named.items() if name is not None}


class Quotas(_Section, frozen=True):
    """How many of each a dataset group of the account may have: AWS's defaults, unless raised there.

    What would not fit is refused before anything is imported or trained.
    """

    campaigns: Count = 5
    recommenders: Count = 5
    solutions: Count = 10
    filters: Count = 30


class Filter(_Section, frozen=True):
    """A filter by name; `expression` is in Personalize's own language."""

    name: Name
    expression: Annotated[str, msgspec.Meta(min_length=1, max_length=2500)]


class Dataset(_Section, frozen=True):
    """A folder of the drop that is not called like a dataset, or a dataset with rules of its own.

    `name` is the folder, `dataset` what it becomes; `events` keeps only these event types;
    `columns` adds to `source.columns`.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[^/\s][^/]*$", max_length=128)]
    dataset: str
    columns: ColumnMap = {}
    events: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    drop_columns: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    textual: str | None = None


class Config(_Section, frozen=True):
    """All of a group's `recdrop.toml`. What a file leaves out is as in a group without one."""

    group: Group = Group()
    source: Source = Source()
    solution: tuple[Solution, ...] = (
        Solution(name="for-you", recipe="aws-user-personalization-v2"),
        Solution(name="similar", recipe="aws-similar-items"),
    )
    recommender: tuple[Recommender, ...] = ()
    serving: Serving = Serving()
    quotas: Quotas = Quotas()
    filter: tuple[Filter, ...] = ()
    dataset: tuple[Dataset, ...] = ()

    def written_by(self, tool: str) -> Config:
        """With a tool that was recognised; what the config itself says of it holds."""
        if self.source.kind != "auto":
            return self
        return msgspec.structs.replace(self, source=msgspec.structs.replace(self.source, kind=tool))

    @property
    def answering(self) -> tuple[str, ...]:
        """The names of what may answer: recommenders, then solutions, each in the file's order."""
        stopped = {entry.name for entry in self.recommender if entry.stopped}
        return tuple(name for name in self.trained if name not in stopped)

    @property
    def with_campaign(self) -> tuple[str, ...]:
        """The names of the solutions that are served by a campaign."""
        return tuple(
            entry.name
            for entry in self.solution
            if entry.campaign is not None and RECIPES[entry.recipe].type.has_campaign
        )

    @property
    def gates(self) -> tuple[Gate, ...]:
        """Those of all that is trained, in the order of `trained`."""
        recommenders = (entry.gate for entry in self.recommender)
        return (*recommenders, *(entry.gate for entry in self.solution))

    @property
    def trained(self) -> tuple[str, ...]:
        """The names of all recommenders and solutions."""
        recommenders = (entry.name for entry in self.recommender)
        return (*recommenders, *(entry.name for entry in self.solution))

    def columns_for(self, folder: str) -> dict[str, str]:
        """The column map of a drop folder: the source's, overridden by the folder's own."""
        own = self.folder(folder)
        return {**self.source.columns, **(own.columns if own else {})}

    @property
    def mapped(self) -> dict[str, str]:
        """The drop folders that a `[[dataset]]` maps, each with its dataset."""
        return {entry.name: entry.dataset for entry in self.dataset}

    def folder(self, folder: str) -> Dataset | None:
        """The `[[dataset]]` section of a drop folder."""
        return next((entry for entry in self.dataset if entry.name == folder), None)
