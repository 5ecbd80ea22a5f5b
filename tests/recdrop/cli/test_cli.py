"""The command line: exit codes, JSON, colours, and a session of `recdrop up`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recdrop.cli.main import COMMANDS, main
from recdrop.local.stack import Stack
from tests.recdrop.conftest import SAMPLE, fetch

ROOT = Path(__file__).parents[3]


@pytest.fixture
def recdrop(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """`recdrop(*arguments)` on the stack: exit code, stdout, stderr."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws_url)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from recdrop.cli.main import main; main(['--help']); "
        "print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert all(name in done.stdout for name in COMMANDS)
    assert not {"boto3", "moto", "chalice", "numpy", "recdrop.local.stack"} & set(eval(done.stderr))


def test_verbs_begin_where_no_project_lies(tmp_path: Path) -> None:
    """`chalicelib` is the project's: it is on no path before a verb has found that."""
    script = (
        "import importlib, sys; from recdrop.cli.main import COMMANDS; "
        "[importlib.import_module(module) for module, _ in COMMANDS.values()]; "
        "print('chalicelib' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_verb_has_help_and_json(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert "--json" in capsys.readouterr().out


def test_an_unknown_verb_is_a_usage_error_with_a_suggestion(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["runz"]) == 2
    assert "Did you mean 'runs'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "verb",
    [
        name
        for name in COMMANDS
        if name not in {"demo", "up", "wait", "check", "fix", "snowflake", "efcheck"}
    ],
)
def test_every_verb_exits_with_4_when_nobody_answers(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    drop = [str(SAMPLE / "app.py"), "--group", "g", "--dataset", "items"]
    forget = ["u1", "--group", "g"]
    verbs = {"drop": drop, "report": ["a-run"], "quarantine": ["a-run"], "forget": forget}
    verbs["accept"], verbs["destroy"], verbs["plan"] = ["a-run"], ["shop"], ["shop"]
    verbs["apply"] = ["shop", "--config", str(ROOT / "examples/segment/recdrop.toml")]
    verbs["personalize"] = ["save", "shop"]
    needed = verbs.get(verb, [])
    assert main([verb, *needed, "--endpoint-url", "http://127.0.0.1:9", "--json"]) == 4
    assert "No recdrop answers" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_status_runs_and_waits(recdrop: Any, stack: Stack) -> None:
    assert json.loads(recdrop("status", "--json")[1])["aws_url"] == stack.aws_url
    states = stack.boto_client("stepfunctions")
    given = json.dumps({"group": "shop"})
    states.start_execution(
        stateMachineArn=stack.outputs["StateMachineArn"], name="shop-1", input=given
    )
    code, out, _ = recdrop("wait", "--group", "shop", "--timeout", "20")
    assert code == 0
    assert "shop-1  shop  SUCCEEDED" in out
    assert "shop-1" in recdrop("runs")[1]
    shown = json.loads(recdrop("runs", "shop-1", "--json")[1])
    assert [state["name"] for state in shown["states"]] == [
        "Check",
        "Pause",
        "Notify",
        "Failed?",
        "Done",
    ]
    assert all(state["seconds"] >= 0 for state in shown["states"])
    assert recdrop("runs", "no-such-run")[0] == 2


def test_a_failed_run_is_exit_code_5(recdrop: Any, stack: Stack) -> None:
    assert recdrop("fault", "Check", "--times", "4")[0] == 0
    states = stack.boto_client("stepfunctions")
    machine = stack.outputs["StateMachineArn"]
    states.start_execution(stateMachineArn=machine, name="bad-1", input='{"group": "bad"}')
    code, out, _ = recdrop("wait", "--run", "bad-1", "--json")
    assert (code, json.loads(out)[0]["status"]) == (5, "FAILED")
    assert "CheckFailed" in recdrop("runs", "bad-1")[1]
    assert recdrop("fault", "--clear")[1] == "No faults are planned.\n"


def test_files_are_dropped_with_their_manifest_last(recdrop: Any, tmp_path: Path) -> None:
    for name in ("manifest.json", "z-poison.csv"):
        (tmp_path / name).write_text("x")
    code, out, _ = recdrop("drop", str(tmp_path), "--group", "shop", "--dataset", "items", "--json")
    assert code == 0
    assert json.loads(out)["keys"] == ["shop/items/z-poison.csv", "shop/items/manifest.json"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["no-such-file", "--group", "g", "--dataset", "items"], 3, "No file 'no-such-file'"),
        ([str(SAMPLE / "app.py"), "--group", "g"], 1, "in no dataset folder"),
        ([], 2, "FILES"),
    ],
)
def test_what_cannot_be_dropped_is_said(
    recdrop: Any, arguments: list[str], code: int, message: str
) -> None:
    found, _, err = recdrop("drop", *arguments)
    assert found == code
    assert message in err


def test_logs_are_printed_for_people_and_machines(recdrop: Any, stack: Stack) -> None:
    stack.logs.add(
        "recdrop-Train",
        "r1",
        '{"level": "INFO", "message": "done", "run": "abc", "timestamp": "t"}',
    )
    stack.logs.add("recdrop-Train", "r1", "plain abc")
    assert "Train              INFO done run=abc" in recdrop("logs", "--run", "abc")[1]
    lines = [
        json.loads(line)
        for line in recdrop("logs", "--function", "train", "--json")[1].splitlines()
    ]
    assert lines[-1]["text"] == "plain abc"


def test_a_piped_output_has_no_colours(recdrop: Any) -> None:
    assert "\x1b" not in "".join(map(str, recdrop("runs")))


def start_up(*arguments: str, project: Path = SAMPLE, **environment: str) -> subprocess.Popen[str]:
    """`recdrop up` of a project, on free ports."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "recdrop.cli",
            "up",
            "--project",
            str(project),
            "--json",
            *arguments,
        ],
        env={**inherited, "AWS_PORT": "0", "API_PORT": "0", **environment},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_description(process: subprocess.Popen[str]) -> Any:
    """What `up --json` prints when it is ready."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            break
    return json.loads("".join(lines))


def test_up_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    process = start_up("--data-dir", str(tmp_path / "data"), "--watch", str(tmp_path / "drop"))
    with process:
        described = read_description(process)
        assert fetch(described["api_url"] + "/hello/x")[0] == 200
        taken = start_up(AWS_PORT=described["aws_url"].rsplit(":", 1)[1])
        out, _ = taken.communicate(timeout=30)
        assert taken.returncode == 4
        assert "is in use. Set another one, e.g. AWS_PORT=" in json.loads(out)["error"]["message"]
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert (tmp_path / "data" / "aws" / "state.json").is_file()
