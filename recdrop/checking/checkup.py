"""The whole of `recdrop check`: files found, looked at, judged, and a config suggested for them.

Without a config the export is judged with the one that is suggested, and `needs_config` says whether
it would be refused without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chalicelib import sources
from chalicelib.config import loading
from chalicelib.config.sections import Config
from chalicelib.documents import Rejection
from chalicelib.intake.manifests import ManifestFile
from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.rows.filerules import FileRules
from chalicelib.sources import registry, sequences
from chalicelib.sources.adapter import Adapter, Recognised, Seen
from chalicelib.vocabulary.datasets import DATASETS, IDS
from recdrop.checking import finding
from recdrop.checking.finding import GROUP, File, Found
from recdrop.checking.guessing import Guess, guess
from recdrop.checking.judging import Judged, judge, silent
from recdrop.checking.looking import Look, look
from recdrop.checking.mending import Mending
from recdrop.checking.suggesting import Suggestion

FLOAT_ID = re.compile(r"-?\d+\.0+")
PROSE = (".md", ".txt", ".rst", ".pdf", ".html", ".sql", ".py", ".ipynb", ".png", ".jpg", "license")
LOOKED_AT = 3  # files of a folder whose first rows are looked at
ROUNDS = 4  # of judging and mending the suggestion


@dataclass(frozen=True)
class Checkup:
    """`judged` is the verdict with the config that is asked about: the given, else the suggested.

    `is_given` says which. `looks` are by file name; `ignored` maps names to the reason, and
    `unreadable` those of files that may well be meant, which nobody can read.
    """

    judged: Judged
    suggestion: Suggestion
    is_given: bool
    looks: Mapping[str, Look]
    ignored: Mapping[str, str]
    unreadable: tuple[Rejection, ...]
    files: tuple[File, ...]

    @property
    def recognised(self) -> Recognised:
        """Who wrote the files."""
        return self.suggestion.recognised

    @property
    def needs_config(self) -> bool:
        """Whether the export is usable, but only with the config that is suggested."""
        return not self.is_given and self.suggestion.is_needed

    @property
    def reason(self) -> str:
        """Why it cannot be used; "" where it can."""
        if self.unreadable and not self.judged.rejected:
            return f"{self.unreadable[0].key}: {self.unreadable[0].reason}"
        if not self.files:
            name, why = next(iter(self.ignored.items()), ("", ""))
            more = f" {name}: {why}" if name else ""
            return f"There is no file with rows in it that could be imported.{more}"
        return self.judged.reason

    @property
    def is_usable(self) -> bool:
        """Whether the pipeline would import all of it, with the config that `judged` is about."""
        return bool(self.files) and not self.unreadable and self.judged.is_usable


def check(
    path: Path,
    config: str | None,
    dataset: str | None,
    scratch: Path,
    now: float,
    progress: Callable[[int, int], None] = silent,
) -> Checkup:
    """Judge what lies at `path`.

    `config` is the text of a `recdrop.toml`; None: the one in the folder, else none. `dataset` is what
    the files are where nothing else says it. `scratch` is an empty folder, which keeps the clean
    files; `now` is epoch seconds; `progress` is told how many of all files are read.

    Raises:
        ConfigError: the config is wrong.
        ManifestError: a list of files cannot be read.
    """
    given = finding.find(path, {}).config if config is None else config
    settings = loading.load(given, GROUP)
    found = finding.find(path, settings.mapped)
    export = _Export.of(found, settings, path, dataset, scratch)
    suggestion = export.suggest()
    if given is not None:
        judged = judge(export.files, settings, scratch / "given", now, progress, export.promised)
        return export.checkup(judged, suggestion, is_given=True)
    judged, suggestion = _judge_suggestion(export, suggestion, scratch, now, progress)
    return export.checkup(judged, suggestion, is_given=False)


def _judge_suggestion(
    export: _Export,
    suggestion: Suggestion,
    scratch: Path,
    now: float,
    progress: Callable[[int, int], None],
) -> tuple[Judged, Suggestion]:
    """Judge with what is suggested, and mend it as long as that helps."""
    for number in range(ROUNDS):
        settings = loading.load(suggestion.text(), GROUP)
        judged = judge(
            export.files, settings, scratch / f"round-{number}", now, progress, export.promised
        )
        if judged.is_usable:
            break
        mended = Mending(suggestion, judged, settings, scratch / "mending", now).mended()
        if mended == suggestion:
            break
        suggestion = mended
    return judged, suggestion


# -- what there is ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Export:
    """The files of an export that are of some dataset, and what was guessed of them."""

    files: tuple[File, ...]
    guesses: Mapping[str, Guess]
    looks: Mapping[str, Look]
    ignored: Mapping[str, str]
    unreadable: tuple[Rejection, ...]
    recognised: Recognised
    paths: Sequence[str]
    promised: Mapping[str, ManifestFile] | None = None

    @classmethod
    def of(
        cls, found: Found, config: Config, path: Path, dataset: str | None, scratch: Path
    ) -> _Export:
        looks, unreadable = _look_at(found.files, config, scratch / "looking")
        headers = {name: seen.header for name, seen in looks.items()}
        recognised = _sequences(looks) or sources.recognise(Seen(found.paths, headers))
        known = {**recognised.adapter.columns, **_columns(config)}
        guesses = {}
        for file in found.files:
            if file.name in looks:
                name = f"{path.resolve().parent.name}/{file.name}" if path.is_file() else file.name
                seen, kind = looks[file.name], file.dataset or dataset
                made = _told(recognised.adapter, seen, file) or guess(seen, name, kind, known)
                if made:
                    guesses[file.name] = made
        files, ignored = _placed(found.files, guesses, looks, unreadable)
        lost = [r for name, r in unreadable.items() if name in ignored and not _is_prose(name)]
        return cls(
            tuple(files),
            guesses,
            looks,
            {**found.ignored, **ignored},
            tuple(lost),
            recognised,
            found.paths,
            found.promised,
        )

    def suggest(self) -> Suggestion:
        """What the guesses amount to."""
        adapter = self.recognised.adapter
        names = [path.rsplit("/", 1)[-1] for path in self.paths]
        if any(registry.is_marker(name) or registry.committed(name) for name in names):
            complete = "marker"
        else:
            complete = adapter.complete if adapter.complete != "marker" else "auto"
        whole = any(_has_float_ids(made, self.looks[name]) for name, made in self.guesses.items())
        suggestion = Suggestion(self.recognised, complete=complete, whole_ids=whole)
        for folder, files in finding.by_folder(self.files).items():
            made = [self.guesses[file.name] for file in files if file.name in self.guesses]
            # Of Segment's logs the normaliser knows the names already.
            said = FileRules.from_config(Config(), folder).columns
            columns, why = _merged(made, said)
            suggestion = suggestion.with_section(
                folder,
                str(files[0].dataset),
                columns=columns,
                header=next((one.header for one in made if one.header), ()),
                why=why,
            )
        return suggestion

    def checkup(self, judged: Judged, suggestion: Suggestion, *, is_given: bool) -> Checkup:
        return Checkup(
            judged, suggestion, is_given, self.looks, self.ignored, self.unreadable, self.files
        )


def _has_float_ids(made: Guess, seen: Look) -> bool:
    """Whether a column of ids holds nothing but whole numbers written as fractions."""
    names = [made.columns.get(target, target).lower() for target in IDS]
    for index, column in enumerate(made.header or seen.header):
        values = seen.column(index) if column.lower() in names else []
        if values and all(FLOAT_ID.fullmatch(value) for value in values):
            return True
    return False


def _sequences(looks: Mapping[str, Look]) -> Recognised | None:
    """Files that are no tables at all: what looks like a header with one column is a line."""
    for name, seen in looks.items():
        if seen.format == "csv" and len(seen.header) == 1:
            lines = [seen.header[0], *seen.column(0)]
            if found := sequences.recognise(name, lines):
                return found
    return None


def _told(adapter: Adapter, seen: Look, file: File) -> Guess | None:
    """What the tool is known to write, without a header line, into a file of that name."""
    if adapter.name == sequences.ADAPTER.name and len(seen.header) == 1:
        return Guess("interactions")
    header = adapter.headers.get(file.path.name.removesuffix(".gz"))
    if header is None or len(header) != len(seen.header):
        return None
    kind = next(k for k in ("interactions", "items", "users") if DATASETS[k].required[-1] in header)
    return Guess(kind, header=header, why={"header": f"{file.path.name} has no header line"})


def _merged(
    guesses: Sequence[Guess], said: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The columns of all guesses but those that are `said` anyway, and a reason for each."""
    columns = {t: c for made in reversed(guesses) for t, c in made.columns.items()}
    why = {t: w for made in reversed(guesses) for t, w in made.why.items()}
    kept = {t: c for t, c in columns.items() if said.get(t) != c}
    return kept, tuple(w for t, w in why.items() if t in kept or t not in columns)


def _columns(config: Config) -> dict[str, str]:
    """All columns that the config maps, whatever the folder."""
    maps = [config.source.columns, *(section.columns for section in config.dataset)]
    return {target: column for one in maps for target, column in one.items()}


def _look_at(
    files: Sequence[File], config: Config, scratch: Path
) -> tuple[dict[str, Look], dict[str, Rejection]]:
    """The first files of each folder, all loose ones; and why others cannot be looked at."""
    looks, unreadable = {}, {}
    for folder, there in finding.by_folder(files).items():
        section = config.folder(folder)
        header = (section.header if section else ()) or config.source.header
        for index, file in enumerate(there):
            if not file.is_loose and index >= LOOKED_AT:
                break
            try:
                encoding, told = config.source.encoding, FileRules.from_config(config, folder).told
                looks[file.name] = look(file.path, scratch, header, encoding, told)
            except FileRejected as error:
                unreadable[file.name] = Rejection(file.name, error.code, str(error))
    return looks, unreadable


def _placed(
    files: Sequence[File],
    guesses: Mapping[str, Guess],
    looks: Mapping[str, Look],
    unreadable: Mapping[str, Rejection],
) -> tuple[list[File], dict[str, str]]:
    """Each file in the folder of a dataset; and why others are left out."""
    placed, ignored = [], {}
    of_folder: dict[str, str] = {}
    loose = [guesses[file.name] for file in files if file.is_loose and file.name in guesses]
    for file in files:
        if file.dataset is not None:
            placed.append(file)
            continue
        made = guesses.get(file.name)
        folder = file.folders[-1] if file.folders else ""
        kind = made.dataset if made else of_folder.get(folder)
        if kind is None:
            refused = unreadable.get(file.name)
            ignored[file.name] = refused.reason if refused else _no_dataset(looks.get(file.name))
        elif not folder:
            placed.append(replace(file, dataset=kind, folder=_shared_folder(file, kind, loose)))
        elif of_folder.setdefault(folder, kind) == kind:
            placed.append(replace(file, dataset=kind, folder=folder))
        else:
            ignored[file.name] = (
                f"it seems to be {kind}, and its folder {folder!r} holds {of_folder[folder]}: "
                "put it into a folder of its own"
            )
    return placed, ignored


def _shared_folder(file: File, kind: str, loose: Sequence[Guess]) -> str:
    """The dataset's own folder, unless two loose files call the same thing differently."""
    mine = [made for made in loose if made.dataset == kind]
    meanings: dict[str, set[str]] = {}
    for made in mine:
        for target, column in made.columns.items():
            meanings.setdefault(target, set()).add(column)
    same_header = len({made.header for made in mine}) == 1
    is_shared = same_header and all(len(columns) == 1 for columns in meanings.values())
    return kind if is_shared else file.stem


def _is_prose(name: str) -> bool:
    """Whether nobody would take the file for data, by its ending."""
    return name.lower().endswith(PROSE)


def _no_dataset(seen: Look | None) -> str:
    if seen is None:
        return "nothing tells what it holds"
    if len(seen.header) == 1:
        return (
            f"it has one column, {seen.header[0][:40]!r}. Expected columns with a comma, semicolon, "
            "tab or pipe between them, JSON lines or Parquet"
        )
    shown = ", ".join(name[:40] for name in seen.header[:8])
    return f"nothing tells whether it holds interactions, items or users; its columns are {shown}"
