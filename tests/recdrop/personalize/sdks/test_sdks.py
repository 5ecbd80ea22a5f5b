"""A full life, group to recommendations to teardown, with clients that are not ours: the AWS CLI
and JavaScript.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from awscli.clidriver import create_clidriver

from recdrop.personalize.control.latency import Latency
from recdrop.personalize.server import PersonalizeServer
from recdrop.service.http.hosting import hosted
from tests.recdrop.personalize.conformance.bucket import serve_bucket
from tests.recdrop.personalize.conformance.client import Client
from tests.recdrop.personalize.conformance.life import ROLE, avro, exports

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
PATIENCE_SECONDS = 60


# So slow that what has to be waited for is not there by chance.
UNHURRIED = Latency(pending=0.3, in_progress=0.3)


@pytest.fixture(params=["instant", UNHURRIED], ids=["instant", "unhurried"])
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[PersonalizeServer]:
    with serve_bucket(exports()) as s3:
        server = PersonalizeServer(
            tmp_path / "data", s3_endpoint=s3, latency=request.param, slots=1, training_seconds=1
        )
        yield server
        server.close()


@pytest.fixture
def endpoint(server: PersonalizeServer) -> Iterator[str]:
    with hosted(server) as url:
        yield url


@pytest.fixture
def modules() -> Path:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not on this machine")
    if not MODULES.exists():
        install = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund"],
            cwd=HERE,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if install.returncode:
            pytest.skip(
                f"the JavaScript SDK could not be installed: {install.stderr.strip()[-200:]}"
            )
    return MODULES


@pytest.mark.usefixtures("modules")
def test_the_javascript_sdk_lives_a_full_life(endpoint: str) -> None:
    done = subprocess.run(
        ["node", "life.mjs", endpoint],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert len(seen["items"]) == 5
    assert seen["recommendationId"].startswith("RID-")
    assert seen["created"]
    assert "precision_at_5" in seen["metrics"]
    assert seen["refusal"] == {"name": "InvalidInputException", "status": 400, "known": True}
    assert seen["gone"] == {"name": "ResourceNotFoundException", "status": 404}
    assert max(seen["recipes"]) == 7
    assert len(seen["recipes"]) > 2
    assert seen["groupsLeft"] == 0


class CommandLine:
    """The AWS CLI in this process, which saves two seconds per command. Waiting goes past it."""

    def __init__(
        self, endpoint: str, server: PersonalizeServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._endpoint = endpoint
        self._client = Client(server)
        self._capsys = capsys
        self._driver = create_clidriver()

    def run(self, service: str, command: str, **options: object) -> tuple[int, str, str]:
        arguments = [
            service,
            command,
            "--endpoint-url",
            self._endpoint,
            "--region",
            "us-east-1",
            "--output",
            "json",
        ]
        for name, value in options.items():
            text = value if isinstance(value, str) else json.dumps(value)
            arguments += [f"--{name.replace('_', '-')}", text]
        code: int = self._driver.main(arguments)
        out, err = self._capsys.readouterr()
        return code, out, err

    def __call__(
        self, command: str, *, service: str = "personalize", **options: object
    ) -> dict[str, Any]:
        code, out, err = self.run(service, command, **options)
        assert code == 0, err
        return json.loads(out) if out.strip() else {}

    def settle(self, noun: str, arn: str) -> None:
        member = noun[0].lower() + noun[1:]
        self._wait(
            lambda: (
                self._client.call(f"Describe{noun}", **{f"{member}Arn": arn})[member]["status"]
                == "ACTIVE"
            ),
            arn,
        )
        command = re.sub(r"(?<=.)([A-Z])", r"-\1", noun).lower()
        [described] = self(f"describe-{command}", **{f"{command}-arn": arn}).values()
        assert described["status"] == "ACTIVE"

    def vanish(self, noun: str, arn: str) -> None:
        member = noun[0].lower() + noun[1:]
        command = re.sub(r"(?<=.)([A-Z])", r"-\1", noun).lower()
        self(f"delete-{command}", **{f"{command}-arn": arn})
        self._wait(
            lambda: (
                self._client.send(f"Describe{noun}", {f"{member}Arn": arn}).code
                == "ResourceNotFoundException"
            ),
            arn,
        )

    def _wait(self, is_over: Callable[[], bool], arn: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_over():
            assert time.monotonic() < deadline, f"{arn} is as it was after {PATIENCE_SECONDS} s"
            time.sleep(0.02)


@pytest.fixture
def aws(
    endpoint: str,
    server: PersonalizeServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> CommandLine:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.setenv("AWS_PAGER", "")
    return CommandLine(endpoint, server, capsys)


@pytest.mark.filterwarnings("ignore")  # the CLI's own
def test_the_aws_cli_lives_a_full_life(aws: CommandLine) -> None:
    schema = aws("create-schema", name="cli", schema=avro("INTERACTIONS"))["schemaArn"]
    group = aws("create-dataset-group", name="cli")["datasetGroupArn"]
    aws.settle("DatasetGroup", group)
    dataset = aws(
        "create-dataset",
        name="cli",
        dataset_group_arn=group,
        schema_arn=schema,
        dataset_type="Interactions",
    )["datasetArn"]
    aws.settle("Dataset", dataset)
    source = {"dataLocation": "s3://bucket/in/interactions.csv"}
    job = aws(
        "create-dataset-import-job",
        job_name="cli",
        dataset_arn=dataset,
        data_source=source,
        role_arn=ROLE,
    )["datasetImportJobArn"]
    aws.settle("DatasetImportJob", job)
    tracker = aws("create-event-tracker", name="cli", dataset_group_arn=group)
    aws.settle("EventTracker", tracker["eventTrackerArn"])
    recipe = "arn:aws:personalize:::recipe/aws-popularity-count"
    solution = aws("create-solution", name="cli", dataset_group_arn=group, recipe_arn=recipe)[
        "solutionArn"
    ]
    aws.settle("Solution", solution)
    version = aws("create-solution-version", solution_arn=solution)["solutionVersionArn"]
    aws.settle("SolutionVersion", version)
    campaign = aws("create-campaign", name="cli", solution_version_arn=version)["campaignArn"]
    aws.settle("Campaign", campaign)
    event = [{"eventType": "View", "itemId": "f1", "sentAt": 1_700_000_000}]
    aws(
        "put-events",
        service="personalize-events",
        tracking_id=tracker["trackingId"],
        user_id="u1",
        session_id="s",
        event_list=event,
    )
    answer = aws(
        "get-recommendations",
        service="personalize-runtime",
        campaign_arn=campaign,
        user_id="u1",
        num_results="5",
    )
    assert len(answer["itemList"]) == 5
    code, _, err = aws.run("personalize", "create-dataset-group", name="cli")
    assert code == 255
    assert "(ResourceAlreadyExistsException)" in err
    for noun, arn in (
        ("Campaign", campaign),
        ("EventTracker", tracker["eventTrackerArn"]),
        ("Solution", solution),
    ):
        aws.vanish(noun, arn)
    for noun, arn in (("Dataset", dataset), ("DatasetGroup", group), ("Schema", schema)):
        aws.vanish(noun, arn)
    assert aws("list-dataset-groups") == {"datasetGroups": []}
