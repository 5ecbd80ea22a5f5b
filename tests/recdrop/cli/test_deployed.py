"""`recdrop --stack NAME`: every verb on the API of AWS alone, as a deployed stack has it."""

from __future__ import annotations

import json
import re
import shlex
import signal
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from recdrop.cli.awaiting import Drop
from recdrop.cli.common import FINDINGS, RUN_FAILED, UNREACHABLE, UNREADABLE, USAGE, CliError
from recdrop.cli.deployed import Deployed
from recdrop.cli.drop import upload
from recdrop.cli.exports import Exports
from recdrop.cli.main import main
from tests.recdrop.cli.aws import AwsAlone
from tests.recdrop.cli.test_cli import read_description, start_up
from tests.recdrop.cli.test_drop import write
from tests.recdrop.conftest import eventually

ROOT = Path(__file__).parents[3]
STACK = "recdrop"
Recdrop = Callable[..., tuple[int, str, str]]
# The local stack makes no alarm, so nobody asks for its state.
NOT_CALLED_HERE = {"cloudwatch:DescribeAlarms"}


class Quick(Deployed):
    """A stack whose counts are right at once."""

    settled_seconds = 1.0


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsAlone]:
    """The real application in a process of its own, behind a port that speaks AWS alone."""
    options = ["--data-dir", str(tmp_path_factory.mktemp("stack")), "--no-watch"]
    options += ["--time-scale", "400", "--quiet-seconds", "1", "--env", f"STACK_NAME={STACK}"]
    with start_up(*options, project=ROOT) as process:
        port = AwsAlone(read_description(process)["aws_url"])
        yield port
        port.server.stop()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


@pytest.fixture
def account(aws: AwsAlone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AwsAlone:
    """The caller's own environment, as the AWS CLI would read it."""
    for name in ("AWS_PROFILE", "AWS_REGION", "RECDROP_STACK", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "recdrop")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "recdrop")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    return aws


@pytest.fixture
def recdrop(account: AwsAlone, capsys: pytest.CaptureFixture[str]) -> Recdrop:
    """`recdrop(*arguments)`: exit code, stdout, stderr."""
    del account

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def dropped(recdrop: Recdrop, tmp_path: Path) -> str:
    """The name of the group's run; what is dropped is too small, so it fails, and soon."""
    file = str(write(tmp_path, "a.csv"))
    drop = ["drop", file, "--group", "shop", "--dataset", "interactions", "--wait", "--json"]
    code, out, err = recdrop(*drop, "--stack", STACK)
    assert code == RUN_FAILED, err
    [run] = json.loads(out)
    assert (run["group"], run["status"]) == ("shop", "FAILED")
    return str(run["name"])


def test_a_drop_is_followed_to_its_end_by_every_verb(
    recdrop: Recdrop, account: AwsAlone, dropped: str
) -> None:
    """And the packaged policy of an operator allows what they call, and nothing else."""
    assert dropped in recdrop("runs", "--stack", STACK)[1]
    assert "Normalise files" in recdrop("runs", dropped, "--stack", STACK)[1]
    assert f"{dropped}  shop  FAILED" in recdrop("wait", "--group", "shop", "--stack", STACK)[1]
    code, out, _ = recdrop("status", "--stack", STACK)
    assert code == 0
    assert "Stack 'recdrop' in us-east-1 of account 123456789012: CREATE_COMPLETE" in out
    assert dropped in out
    assert "Messages that could not be taken: 0" in out
    assert f"shop: run failed: {dropped.removeprefix('shop-')}: " in out
    told = json.loads(recdrop("status", "--stack", STACK, "--json")[1])
    assert told["outputs"]["PipelineArn"].startswith("arn:aws:states:us-east-1:")
    assert (told["status"], told["dead_letters"], told["alarms"]) == ("CREATE_COMPLETE", 0, {})

    code, out, _ = recdrop("report", "shop", "--stack", STACK)
    assert code == 0
    next_line = next(line for line in out.splitlines() if line.startswith("Next: "))
    typed = shlex.split(next_line.removeprefix("Next: "), comments=True)
    assert typed[-2:] == ["--stack", STACK]
    assert recdrop(*typed[1:])[0] in {0, FINDINGS}
    assert recdrop("quarantine", "shop", "--stack", STACK, "--json")[0] in {0, FINDINGS}

    run = dropped.removeprefix("shop-")
    logs = ["logs", "--run", run, "--function", "onexport", "--stack", STACK]
    line = eventually(lambda: re.search(r"OnExport +INFO run started.*", recdrop(*logs)[1]))
    assert run in line[0]
    logs = ["logs", "--since", "1d", "--stack", STACK, "--json"]
    assert {"OnExport", "Notify"} <= {
        json.loads(e)["function"] for e in recdrop(*logs)[1].split("\n") if e
    }

    policy = json.loads((ROOT / "infrastructure" / "operator-policy.json").read_text())
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert {normal(action) for action in account.actions} == allowed - NOT_CALLED_HERE


def test_the_operators_policy_names_what_the_stack_has(account: AwsAlone) -> None:
    del account
    target = Deployed(STACK)
    region = "us-east-1:123456789012"
    work, queue = target.work.name, target.dead_letters.rsplit("/", 1)[-1]
    names = {
        "FindTheStack": f"arn:aws:cloudformation:{region}:stack/{STACK}/an-id",
        "DropExports": f"arn:aws:s3:::{target.drop_bucket}/shop/items/a.csv",
        "ReadTheConfigOfAGroup": f"arn:aws:s3:::{target.drop_bucket}/shop/recdrop.toml",
        "ReadWhatTheRunsWrote": f"arn:aws:s3:::{work}",
        "ReadTheLedger": f"arn:aws:dynamodb:{region}:table/{target.output('LedgerTableName')}",
        "ReadRuns": target.machine,
        "CountMessages": f"arn:aws:sqs:{region}:{queue}",
        "ReadLogs": f"arn:aws:logs:{region}:log-group:/aws/lambda/{STACK}-OnExport-1A2B:*",
        "ReadAlarms": "*",
    }
    policy = json.loads((ROOT / "infrastructure" / "operator-policy.json").read_text())
    assert names.keys() == {statement["Sid"] for statement in policy["Statement"]}
    for statement in policy["Statement"]:
        patterns = statement["Resource"]
        patterns = [patterns] if isinstance(patterns, str) else patterns
        assert any(fnmatchcase(names[statement["Sid"]], pattern) for pattern in patterns), statement


def normal(action: str) -> str:
    """CloudWatch signs as `monitoring`."""
    return action.replace("monitoring:", "cloudwatch:")


def test_a_variable_names_the_stack_too(recdrop: Recdrop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECDROP_STACK", STACK)
    assert json.loads(recdrop("status", "--json")[1])["status"] == "CREATE_COMPLETE"


def test_an_export_that_failed_runs_again_under_the_name_of_its_next_attempt(
    account: AwsAlone, tmp_path: Path, dropped: str
) -> None:
    del account
    again = drop_quickly("shop", [("shop/interactions/b.csv", write(tmp_path, "b.csv"))])
    [run] = again.wait(60)
    assert run.name != dropped
    assert run.name.split("-")[:2] == dropped.split("-")[:2]


def test_an_export_without_a_run_is_told_why_by_the_ledger(
    account: AwsAlone, tmp_path: Path
) -> None:
    del account
    config = tmp_path / "recdrop.toml"
    config.write_text('[source]\ncomplete = "sometimes"\n')
    files = [("wrong/recdrop.toml", config), ("wrong/items/a.csv", write(tmp_path, "a.csv"))]
    with pytest.raises(CliError, match=r"waits for a correction.*source\.complete") as error:
        drop_quickly("wrong", files).wait(60)
    assert error.value.exit_code == UNREADABLE
    assert error.value.hint == f"See `recdrop logs --function OnExport --stack {STACK}`."


def drop_quickly(group: str, files: list[tuple[str, Path]]) -> Drop:
    """`recdrop drop --stack --wait`, on a stack whose counts are right at once."""
    target = Quick(STACK)
    exports = Exports(target, group)
    before = exports.before()
    etags = upload(target, files, as_json=True)
    data = frozenset((key, tag) for key, tag in etags.items() if not key.endswith(".toml"))
    return Drop(exports, before, tuple(etags), data)


# -- what can be wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["status", "runs", "wait", "logs"])
@pytest.mark.parametrize(
    ("arguments", "environment", "code", "message"),
    [
        (["--stack", "nope"], {}, UNREACHABLE, "No stack 'nope' in region 'us-east-1'"),
        (
            ["--stack", STACK, "--region", "eu-west-1"],
            {},
            UNREACHABLE,
            "No stack 'recdrop' in region 'eu-west-1'",
        ),
        (["--stack", STACK], {"AWS_DEFAULT_REGION": None}, USAGE, "No region says where"),
        (
            ["--stack", STACK],
            {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
            UNREACHABLE,
            "There are no AWS credentials",
        ),
        (["--stack", STACK], {"AWS_PROFILE": "nobody"}, UNREADABLE, "(nobody) could not be found"),
        (
            ["--stack", STACK, "--endpoint-url", "http://127.0.0.1:9"],
            {},
            UNREACHABLE,
            "AWS does not answer",
        ),
        (["--region", "eu-west-1"], {}, USAGE, "'--region' needs '--stack'"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_an_exit_code(
    recdrop: Recdrop,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    arguments: list[str],
    environment: dict[str, str | None],
    code: int,
    message: str,
) -> None:
    for name, value in environment.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    found, out, _ = recdrop(verb, *arguments, "--json")
    error: dict[str, Any] = json.loads(out)["error"]
    assert (found, error["code"]) == (code, code)
    assert message in error["message"]
    assert "\n" not in error["message"]


def failing(error: Exception) -> Callable[[], None]:
    def look() -> None:
        raise error

    return look


def test_a_look_that_fails_on_the_way_is_followed_by_another() -> None:
    target = Deployed(STACK)
    assert target.patiently(failing(EndpointConnectionError(endpoint_url="https://x"))) is None
    assert target.patiently(failing(refusal("ThrottlingException", 400))) is None


def test_a_look_that_is_refused_ends_the_wait() -> None:
    with pytest.raises(ClientError, match="ExpiredToken"):
        Deployed(STACK).patiently(failing(refusal("ExpiredToken", 403)))


def refusal(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "DescribeExecution")
