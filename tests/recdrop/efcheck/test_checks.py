"""Each check fails for the handler that is wrong in its way, and right handlers pass."""

from __future__ import annotations

import json

import pytest

from recdrop.cli.main import main
from recdrop.efcheck.checks import CHECKS, Asker, run
from recdrop.efcheck.wire import Client
from tests.recdrop.efcheck import wrong

ROW = ["u1", 3, None]


def broken(handler: wrong.Right) -> dict[str, str]:
    with wrong.serving(handler) as url:
        findings = run(Asker(Client(url), ROW, 200))
    assert [finding.name for finding in findings] == list(CHECKS)
    return {finding.name: finding.problem for finding in findings if finding.problem}


@pytest.mark.parametrize("kind", [wrong.Right, wrong.Answers202])
def test_a_right_handler_passes(kind: type[wrong.Right]) -> None:
    assert broken(kind()) == {}


@pytest.mark.parametrize(
    ("kind", "check", "problem"),
    [
        (wrong.DropsRows, "sizes", "wrong number of rows: 200 asked, 100 answered"),
        (wrong.Renumbers, "numbers", "Row numbers out of order: 7 expected, 0 answered."),
        (wrong.FailsOnEmpty, "empty", "wrong number of rows: 0 asked, 1 answered"),
        (wrong.FailsOnNull, "nulls", "Expected status 200, got 500."),
        (wrong.FailsOnLongText, "texts", "Got 502"),
        (wrong.TakesTheFirstRowsArgument, "rows", "differs when it is sent alone"),
        (wrong.IgnoresArity, "arity", "A row with an argument too many got 200"),
        (wrong.SaysText, "content-type", "Content-Type is 'text/plain"),
        (wrong.WantsItsHeaderInLowerCase, "headers", "Expected status 200, got 403."),
        (wrong.CannotUnpack, "gzip-request", "Expected status 200, got 400."),
        (wrong.AlwaysPacks, "gzip-answer", "does not accept that"),
        (wrong.WrongSum, "md5", "Content-MD5 is"),
        (wrong.NeedsABatchId, "no-batch-id", "Without a batch id: 500."),
        (wrong.RaisesOnBadBodies, "malformed", "got 502. Expected 400"),
        (wrong.SaysWhenItAnswered, "repeated", "two different answers"),
        (wrong.SaysWhenItAnswered, "concurrent", "different answers"),
        (wrong.PollsForEver, "unknown-poll", "GET for an unknown batch got 500."),
        (wrong.ForgetsWhatItAnswered, "polled", "Expected status 200, got 404."),
        (wrong.AnswersABatchOnce, "lost", "Expected status 200, got 400."),
    ],
)
def test_a_wrong_handler_fails_for_its_own_reason(
    kind: type[wrong.Right], check: str, problem: str
) -> None:
    found = broken(kind())
    assert problem in found[check]
    # The null row of a mixed batch is a row of NULLs as well.
    allowed = {
        wrong.FailsOnNull: {"nulls", "rows"},
        wrong.SaysWhenItAnswered: {"repeated", "concurrent"},
        # Whether an answer was lost or not: it comes once.
        wrong.AnswersABatchOnce: {"lost", "repeated", "concurrent"},
        # Of four that poll at once, one gets the answer.
        wrong.ForgetsWhatItAnswered: {"polled", "concurrent"},
    }
    assert found.keys() <= allowed.get(kind, {check})


def test_where_nobody_is_let_in_nothing_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    with wrong.serving(wrong.LetsNobodyIn()) as url:
        assert main(["efcheck", url]) == 4
    assert "lets nobody in: 403" in capsys.readouterr().err


def test_the_report_names_request_answer_and_rule(capsys: pytest.CaptureFixture[str]) -> None:
    with wrong.serving(wrong.Renumbers()) as url:
        assert main(["efcheck", url]) == 1
        text = capsys.readouterr().out
        assert main(["efcheck", url, "--json"]) == 1
        (finding,) = [
            one for one in json.loads(capsys.readouterr().out)["checks"] if one["problem"]
        ]
    assert "FAIL  numbers  2: row numbers are copied" in text
    assert 'asked    POST {"data": [[7, "u1", 3, null]' in text
    assert f"{len(CHECKS) - 1} of {len(CHECKS)} checks pass." in text
    assert finding["said"][0]["answer"]["status"] == 200


def test_wrong_usage_and_an_unreachable_url(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["efcheck", "ftp://x"]) == 2
    assert main(["efcheck", "http://127.0.0.1:9/x", "--row", "{"]) == 2
    assert main(["efcheck", "http://127.0.0.1:9/x", "--header", "x"]) == 2
    assert main(["efcheck", "http://127.0.0.1:9/x"]) == 4
    assert "does not answer" in capsys.readouterr().err
