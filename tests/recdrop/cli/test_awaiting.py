"""What a drop waits for, decided on made-up facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

import click
import pytest

from chalicelib.documents import ExportSet, SourceFile
from recdrop.cli.awaiting import Drop, find_known
from recdrop.cli.common import FINDINGS, UNREACHABLE, UNREADABLE, CliError
from recdrop.cli.exports import Before, Exports, File, Queues
from recdrop.cli.here import Here
from recdrop.cli.runs import Run
from recdrop.cli.target import Target

MINE = ("shop/interactions/mine.csv", "etag-1")
EMPTY = Queues(0, 0)
NOTHING = Before(frozenset(), frozenset(), None)


def run(name: str, status: str = "SUCCEEDED") -> Run:
    return Run(f"shop-{name}", name, "shop", status, dt.datetime.now(dt.UTC), 1.0, f"arn:{name}")


def export(*files: File) -> ExportSet:
    sources = tuple(SourceFile(key, 1, etag) for key, etag in files)
    return ExportSet(
        group="shop", datasets={"interactions": sources}, mode="FULL", complete_by="quiet"
    )


@dataclass
class Facts(Exports):
    """Exports of a stack that is not there."""

    target: Target = field(default_factory=lambda: Here("http://127.0.0.1:9"))
    written: dict[str, ExportSet] = field(default_factory=dict)
    executions: dict[str, Run] = field(default_factory=dict)
    arrivals: set[File] = field(default_factory=set)
    messages: Queues = EMPTY
    told: tuple[str, str] | None = None
    refused: str | None = None

    def sets(self) -> dict[str, ExportSet]:
        return self.written

    def waiting(self) -> set[File]:
        return self.arrivals

    def runs(self, names: Iterable[str]) -> dict[str, Run]:
        return {name: self.executions[name] for name in names if name in self.executions}

    def queues(self) -> Queues:
        return self.messages

    def reason(self, before: Before) -> tuple[str, str] | None:
        return self.told

    def refusal(self, keys: Iterable[str], before: Before) -> str | None:
        return self.refused


class Time:
    """A clock that moves only when somebody sleeps."""

    now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def drop(facts: Facts, before: Before = NOTHING, files: tuple[File, ...] = (MINE,)) -> Drop:
    time = Time()
    keys = tuple(key for key, _ in files) or ("shop/recdrop.toml",)
    return Drop(facts, before, keys, frozenset(files), lambda: time.now, time.sleep)


def test_the_run_of_another_export_is_not_waited_for() -> None:
    other = ("shop/interactions/other.csv", "etag-2")
    facts = Facts(
        written={"a": export(other), "b": export(MINE)},
        executions={"a": run("a"), "b": run("b", "RUNNING")},
    )
    waiting = drop(facts)
    assert waiting.look() is None
    facts.executions["b"] = run("b", "FAILED")
    assert [found.run for found in waiting.look() or ()] == ["b"]


def test_a_run_that_has_not_begun_is_waited_for() -> None:
    assert drop(Facts(written={"a": export(MINE)})).look() is None


def test_the_same_file_dropped_again_waits_for_the_new_attempt() -> None:
    before = Before(frozenset({"a"}), frozenset(), None)
    facts = Facts(
        written={"a": export(MINE), "a-2": export(MINE)},
        executions={"a": run("a", "FAILED"), "a-2": run("a-2")},
    )
    assert [found.run for found in drop(facts, before).look() or ()] == ["a-2"]


def test_a_known_export_is_named_and_nothing_is_waited_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = Before(frozenset({"a"}), frozenset(), None)
    renamed = ("shop/interactions/earlier-name.csv", MINE[1])
    facts = Facts(written={"a": export(renamed)}, executions={"a": run("a")})
    assert [found.run for found in drop(facts, before).wait(60)] == ["a"]
    assert "this content has run before" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("facts", "code", "message"),
    [
        (Facts(refused="a part is missing"), FINDINGS, "refused: a part is missing"),
        (Facts(told=("ignored", "a bad name")), FINDINGS, "Nothing of it is imported: a bad name"),
        (
            Facts(arrivals={MINE}, messages=Queues(0, 9), told=("waiting for a correction", "why")),
            UNREADABLE,
            "waits for a correction: why",
        ),
        (Facts(arrivals={MINE}), UNREADABLE, "waits for a correction"),
        (
            Facts(arrivals={MINE}, messages=Queues(0, 1), told=("export not complete", "a part")),
            UNREACHABLE,
            "Gave up: .* in 60 s, export not complete: a part",
        ),
        (Facts(messages=Queues(1, 0)), UNREACHABLE, "Gave up"),
    ],
)
def test_a_drop_without_a_run_ends_with_its_exit_code(
    facts: Facts, code: int, message: str
) -> None:
    with pytest.raises(CliError, match=message) as error:
        drop(facts).wait(60)
    assert error.value.exit_code == code
    assert isinstance(error.value, click.ClickException)


def test_a_configuration_alone_starts_no_run() -> None:
    assert drop(Facts(), files=()).wait(60) == []


def test_a_known_export_holds_all_the_content() -> None:
    two = ("k2", "etag-2")
    sets = {"old": {MINE, two}, "new": {MINE}}
    assert find_known(frozenset({MINE}), sets) == "new"
    assert find_known(frozenset({MINE, two}), sets) == "old"
    assert find_known(frozenset({("k3", "etag-3")}), sets) is None


def test_a_config_alone_waits_for_the_run_that_applies_it() -> None:
    facts = Facts(written={"old": export(MINE)}, messages=Queues(0, 1))
    waiting = drop(facts, files=())
    assert waiting.look() is None  # the look that applies it is put off
    applied = ExportSet(group="shop", datasets={}, mode="INCREMENTAL", complete_by="config")
    facts.written["c"], facts.executions["c"] = applied, run("c")
    assert [found.run for found in waiting.look() or ()] == ["c"]


def test_a_config_that_changes_nothing_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert drop(Facts(), files=()).wait(60) == []
    assert "the config changes nothing" in capsys.readouterr().err


def test_a_wrong_config_alone_is_an_error() -> None:
    facts = Facts(told=("waiting for a correction", "no such key"), messages=Queues(0, 1))
    with pytest.raises(CliError, match="The config waits for a correction: no such key") as error:
        drop(facts, files=()).wait(60)
    assert error.value.exit_code == UNREADABLE
