"""What the service was seen to answer, and what this one does.

`witnesses/` holds one file for each operation of which a printed response of the service was found:
facts in our own words and form, no text of theirs.

    answer     the members of the answer, all of them, each with what it looks like
    later      members that the service has got since
    equal      pairs of members that have the same value
    lengths    how many a list has
    sorted_by  the member by which a list is sorted
    statuses   the states of the resource, one after the other; null: it is gone
    lines      a line of a batch job's output
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from recdrop.personalize.operations_page import read_witnesses
from recdrop.personalize.specification import PERSONALIZE
from tests.recdrop.personalize.driving import (
    INTERACTIONS,
    ITEMS,
    ROLE,
    Aws,
    interactions,
    items,
    schema,
)
from tests.recdrop.personalize.simulation import RECIPE, Simulation

FOLDER = Path(__file__).with_name("witnesses")
WITNESSES = read_witnesses(FOLDER)
SHOP = schema(
    "Users", {"USER_ID": "string", "AGE": "int", "TIER": {"type": "string", "categorical": True}}
)


def with_fact(name: str) -> list[str]:
    return [operation for operation, witness in WITNESSES.items() if name in witness]


@pytest.fixture(scope="module")
def printed(shared_app: Any, aws: Aws, s3_endpoint: str) -> dict[str, Any]:
    """The answers of a life in the order and with the parameters of those notebooks."""
    return Notebook(aws).run()


class Notebook:
    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.answers: dict[str, Any] = {}
        self.lines: dict[str, list[Any]] = {}

    def do(self, operation: str, **request: Any) -> dict[str, Any]:
        """Sends it; the first answer of each operation is kept, as botocore read it."""
        modelled = PERSONALIZE.operations[operation]
        client: Any = {
            "personalize": self.aws.personalize,
            "personalize-runtime": self.aws.runtime,
            "personalize-events": self.aws.events,
        }[modelled.service]
        method = re.sub(r"(?<!^)([A-Z])", r"_\1", operation).lower()
        answer = getattr(client, method)(**request)
        kept = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
        self.answers.setdefault(operation, kept)
        return kept

    def make(self, operation: str, **request: Any) -> str:
        return next(
            str(arn) for name, arn in self.do(operation, **request).items() if "Arn" in name
        )

    def wait(self, noun: str, arn: str) -> None:
        describe = getattr(
            self.aws.personalize, "describe" + re.sub(r"([A-Z])", r"_\1", noun).lower()
        )
        named: dict[str, Any] = {f"{noun[0].lower()}{noun[1:]}Arn": arn}
        done = self.aws.wait(describe, **named)
        assert done["status"] == "ACTIVE", done

    def run(self) -> dict[str, Any]:
        plain = self.make("CreateSchema", name="plain", schema=INTERACTIONS)
        shop = self.make("CreateSchema", name="shop", schema=SHOP, domain="ECOMMERCE")
        self.do("DescribeSchema", schemaArn=shop)
        self.do("ListRecipes")
        group = self.make("CreateDatasetGroup", name="plain")
        self.wait("DatasetGroup", group)
        item_schema = self.make("CreateSchema", name="items", schema=ITEMS)
        tables = (
            ("INTERACTIONS", plain, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", interactions()),
            ("ITEMS", item_schema, "ITEM_ID,GENRE,PRICE,CREATION_TIMESTAMP", items()),
        )
        for kind, schema_arn, header, rows in tables:
            dataset = self.make(
                "CreateDataset",
                name="plain",
                datasetType=kind,
                datasetGroupArn=group,
                schemaArn=schema_arn,
            )
            self.wait("Dataset", dataset)
            location = self.aws.upload(f"plain/{kind}.csv", header, rows)
            job = self.make(
                "CreateDatasetImportJob",
                jobName=f"plain-{kind.lower()}",
                datasetArn=dataset,
                dataSource={"dataLocation": location},
                roleArn=ROLE,
            )
            self.wait("DatasetImportJob", job)
        self.do("UpdateDataset", datasetArn=dataset, schemaArn=item_schema)
        self.wait("Dataset", dataset)
        self.do("DescribeDataset", datasetArn=dataset)
        self.train(group)
        return {"answers": self.answers, "lines": self.lines}

    def version(self, group: str, name: str, recipe: str) -> str:
        # As before 2024: since then a solution trains itself unless it is told not to.
        solution = self.make(
            "CreateSolution",
            name=name,
            datasetGroupArn=group,
            recipeArn=RECIPE + recipe,
            performAutoTraining=False,
        )
        self.do("DescribeSolution", solutionArn=solution)
        version = self.make("CreateSolutionVersion", solutionArn=solution)
        self.wait("SolutionVersion", version)
        return version

    def train(self, group: str) -> None:
        version = self.version(group, "plain", "aws-user-personalization")
        self.do("DescribeSolutionVersion", solutionVersionArn=version)
        self.do("GetSolutionMetrics", solutionVersionArn=version)
        campaign = self.make(
            "CreateCampaign", name="plain", solutionVersionArn=version, minProvisionedTPS=1
        )
        self.wait("Campaign", campaign)
        self.do("ListCampaigns", solutionArn=version)
        expression = 'INCLUDE ItemID WHERE Items.GENRE IN ("drama")'
        self.make("CreateFilter", name="plain", datasetGroupArn=group, filterExpression=expression)
        tracker = self.do("CreateEventTracker", name="plain", datasetGroupArn=group)
        self.wait("EventTracker", tracker["eventTrackerArn"])
        self.do(
            "PutEvents",
            trackingId=tracker["trackingId"],
            userId="15",
            sessionId="1",
            eventList=[
                {"sentAt": 1_700_000_000, "eventType": "CLICK", "properties": '{"itemId": "i3"}'}
            ],
        )
        self.do("GetRecommendations", campaignArn=campaign, userId="u1")
        self.batch("Inference", version, '{"userId": "u1"}\n{"userId": "u2"}\n')
        segments = self.version(group, "segments", "aws-item-attribute-affinity")
        self.batch("Segment", segments, '{"itemAttributes": "ITEMS.GENRE = \\"drama\\""}\n')

    def batch(self, kind: str, version: str, body: str) -> None:
        bucket = f"plain-{kind.lower()}"
        self.aws.s3.create_bucket(Bucket=bucket)
        self.aws.s3.put_object(Bucket=bucket, Key="json_input.json", Body=body.encode())
        # The root of the bucket, twice: the second job must not read what the first has written.
        for name in ("plain", "again"):
            job = self.make(
                f"CreateBatch{kind}Job",
                jobName=name,
                solutionVersionArn=version,
                roleArn=ROLE,
                jobInput={"s3DataSource": {"path": f"s3://{bucket}/json_input.json"}},
                jobOutput={"s3DataDestination": {"path": f"s3://{bucket}/"}},
            )
            self.wait(f"Batch{kind}Job", job)
        keys = [row["Key"] for row in self.aws.s3.list_objects_v2(Bucket=bucket)["Contents"]]
        assert keys == ["_CHECK", "json_input.json", "json_input.json.out"]
        text = self.aws.s3.get_object(Bucket=bucket, Key=keys[-1])["Body"].read().decode()
        self.lines[f"CreateBatch{kind}Job"] = [json.loads(line) for line in text.splitlines()]


# A Delete is looked at where its states are.
ANSWERED = [operation for operation in with_fact("answer") if not operation.startswith("Delete")]


@pytest.mark.parametrize("operation", ANSWERED)
def test_an_answer_has_the_members_that_were_printed(
    printed: Mapping[str, Any], operation: str
) -> None:
    witness = WITNESSES[operation]
    answer = printed["answers"][operation]
    expected = witness["answer"] or {}
    assert list(misfits(answer, expected, operation, witness.get("later", {}))) == []
    for name, length in witness.get("lengths", {}).items():
        assert len(answer[name]) == length
    for name, member in witness.get("sorted_by", {}).items():
        assert answer[name] == sorted(answer[name], key=lambda row: row[member])


@pytest.mark.parametrize("operation", with_fact("equal"))
def test_what_was_equal_is_equal(printed: Mapping[str, Any], operation: str) -> None:
    answer = printed["answers"][operation]
    for one, other in WITNESSES[operation]["equal"]:
        assert at(answer, one) == at(answer, other)


@pytest.mark.parametrize("operation", with_fact("lines"))
def test_a_line_of_output_is_as_printed(printed: Mapping[str, Any], operation: str) -> None:
    lines = printed["lines"][operation]
    assert lines
    for line in lines:
        assert list(misfits(line, WITNESSES[operation]["lines"], operation)) == []


@pytest.mark.parametrize("operation", with_fact("statuses"))
def test_states_follow_one_another_as_printed(sim: Simulation, operation: str) -> None:
    assert walk(sim, operation) == WITNESSES[operation]["statuses"]


def test_every_witness_is_of_an_operation_and_says_where_it_was_seen() -> None:
    assert set(WITNESSES) <= set(PERSONALIZE.operations)
    for operation, witness in WITNESSES.items():
        assert witness["operation"] == operation
        assert witness["says"].endswith(".")
        assert all(seen["where"] and seen["when"] for seen in witness["seen"])
        assert {"answer", "statuses"} & witness.keys()


def walk(sim: Simulation, operation: str) -> list[str | None]:
    """The states that follow the operation, or the making of what it describes; each once."""
    noun, arn = begin(sim, operation)
    seen = [sim.status(noun, arn)]
    for _ in range(6):
        sim.pass_time(0.5)
        seen.append(sim.status(noun, arn))
    return [state for place, state in enumerate(seen) if place == 0 or state != seen[place - 1]]


def begin(sim: Simulation, operation: str) -> tuple[str, str]:
    """Kind and ARN of what has just begun."""
    noun = re.sub("^(Describe|Update|Delete)", "", operation)
    if operation == "DescribeDatasetGroup":
        return noun, sim.do("CreateDatasetGroup", name="walk")["datasetGroupArn"]
    if operation == "DeleteSchema":
        arn = sim.do("CreateSchema", name="walk", schema=INTERACTIONS)["schemaArn"]
        assert sim.do("DeleteSchema", schemaArn=arn) == {}
        return noun, arn
    if operation == "DeleteDatasetGroup":
        arn = sim.group("walk")
        sim.do("DeleteDatasetGroup", datasetGroupArn=arn)
        return noun, arn
    group = sim.filled_group("walk")
    if operation in ("UpdateDataset", "DeleteDataset"):
        arn = sim.dataset(group, "ITEMS")
        more = {"schemaArn": sim.describe("Dataset", arn)["schemaArn"]}
        sim.do(operation, datasetArn=arn, **(more if operation.startswith("Update") else {}))
        return noun, arn
    if operation == "DescribeDatasetImportJob":
        return noun, sim.start_import(
            f"{group.replace('dataset-group', 'dataset')}/INTERACTIONS", "j"
        )
    request: dict[str, Any] = {
        "name": "walk",
        "datasetGroupArn": group,
        "recipeArn": RECIPE + recipe_for(noun),
    }
    solution = sim.do("CreateSolution", **request, performAutoTraining=False)["solutionArn"]
    if operation == "DescribeSolution":
        return noun, solution
    if operation == "DeleteSolution":
        sim.do("DeleteSolution", solutionArn=solution)
        return noun, solution
    version = sim.do("CreateSolutionVersion", solutionArn=solution)["solutionVersionArn"]
    if noun == "SolutionVersion":
        return noun, version
    sim.pass_time(3)
    if noun == "Campaign":
        made = sim.do("CreateCampaign", name="walk", solutionVersionArn=version)
        return noun, made["campaignArn"]
    request = {
        "jobName": "walk",
        "solutionVersionArn": version,
        "roleArn": ROLE,
        "jobInput": {"s3DataSource": {"path": "s3://data/in.json"}},
        "jobOutput": {"s3DataDestination": {"path": "s3://data/out/"}},
    }
    return noun, next(iter(sim.do(f"Create{noun}", **request).values()))


def recipe_for(noun: str) -> str:
    return "aws-item-affinity" if noun == "BatchSegmentJob" else "aws-user-personalization"


def at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value[name]
    return value


def misfits(
    value: Any, expected: Any, where: str, later: Mapping[str, list[str]] | None = None
) -> Iterator[str]:
    """Where a value is not what was seen: members too many or too few, or of another look."""
    if isinstance(expected, dict):
        known = set((later or {}).get(where.rpartition(".")[2], ()))
        if isinstance(value, dict) and set(value) - known == set(expected) - known:
            for name, pattern in expected.items():
                yield from misfits(value[name], pattern, f"{where}.{name}", later)
        else:
            yield f"{where} is {value!r}. Expected members {sorted(expected)}."
    elif isinstance(expected, list):
        for entry in value:
            if isinstance(expected[0], dict):
                known = set((later or {}).get(where.rpartition(".")[2], ()))
                entry = {name: got for name, got in entry.items() if name not in known}
            yield from misfits(entry, expected[0], where)
        if not value:
            yield f"{where} is empty."
    elif not fits(value, expected):
        yield f"{where} is {value!r}. Expected {expected}."


def fits(value: Any, pattern: str | None) -> bool:
    """Whether a value looks as the pattern says."""
    if pattern is None:
        return value is None
    if pattern == "text":
        return isinstance(value, str) and bool(value)
    if pattern == "milliseconds":
        return bool(value.microsecond % 1000 == 0)
    if pattern.startswith("decimals:"):
        return isinstance(value, float) and value == round(value, int(pattern.partition(":")[2]))
    if pattern.startswith("="):
        return str(value).lower() == pattern[1:].lower()
    assert pattern.startswith("/")
    return re.search(pattern[1:-1], value) is not None


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ({"a": "x", "b": 1}, {"a": "text"}),
        ({}, {"a": "text"}),
        ({"a": ""}, {"a": "text"}),
        ({"a": 0.12345}, {"a": "decimals:4"}),
        ({"a": "ACTIVE"}, {"a": "=FAILED"}),
        ({"a": []}, {"a": ["text"]}),
        ({"a": "xyz"}, {"a": "/^[0-9]+$/"}),
        ({"a": 1}, {"a": None}),
    ],
)
def test_a_misfit_would_be_found(value: Any, pattern: Any) -> None:
    assert list(misfits(value, pattern, "answer"))
