"""Requests that fit the model, and what the service makes of their meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.recdrop.personalize.conformance.life import avro
from tests.recdrop.personalize.conformance.stage import Frozen, Stage

CASES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("cases").joinpath("requests.json").read_text()
)


@pytest.fixture(scope="session")
def names(stage: Stage) -> Mapping[str, str]:
    """What $NAME stands for in the cases: the label of an ARN, or one of the other texts."""
    answers, requests = stage.record.answers, stage.record.requests
    return {
        **stage.record.arns,
        "tracking": answers["DescribeEventTracker"]["eventTracker"]["trackingId"],
        "action tracking": requests["PutActionInteractions"]["trackingId"],
        "items avro": avro("ITEMS"),
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['operation']}: {case['it']}")
def test_a_request_is_answered_by_its_meaning(
    used: Frozen, names: Mapping[str, str], case: dict[str, Any]
) -> None:
    answer = used.send(case["operation"], _filled(case["request"], names))
    assert answer.code == case["code"], answer.message
    assert case["says"] in answer.message


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(member, names) for key, member in value.items()}
    if isinstance(value, list):
        return [_filled(member, names) for member in value]
    if isinstance(value, str):
        return re.sub(
            r"^\$([A-Za-z][A-Za-z_ ]*)", lambda found: names.get(found[1], found[0]), value
        )
    return value


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"maxResults": NaN}', b"[" * 100_000])
def test_a_body_that_is_not_json_is_refused(used: Frozen, body: bytes) -> None:
    answer = used.send("ListSchemas", body)
    assert answer.status == 400
    assert answer.code in ("SerializationException", "InvalidInputException")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"maxResults": null, "nextToken": null}'])
def test_an_empty_body_is_an_empty_request(used: Frozen, body: bytes) -> None:
    assert used.send("ListSchemas", body).status == 200


def test_a_filtered_answer_is_full_length_and_right(used: Frozen, stage: Stage) -> None:
    for genre, remainder in (("Comedy", 0), ("Old", 1)):
        chosen = {"filterArn": stage.record.arns["genre"], "filterValues": {"GENRE": f'"{genre}"'}}
        answer = used.call(
            "GetRecommendations",
            campaignArn=stage.record.arns["films campaign"],
            userId="u1",
            numResults=25,
            **chosen,
        )
        items = [item["itemId"] for item in answer["itemList"]]
        assert len(items) == 25
        assert all(item == "new" or int(item[1:]) % 2 == remainder for item in items)


def test_unknown_items_are_ranked_last(used: Frozen, stage: Stage) -> None:
    request = {"campaignArn": stage.record.arns["ranking campaign"], "userId": "u1"}
    answer = used.call("GetPersonalizedRanking", inputList=["x", "f1", "y", "f2"], **request)
    assert [item["itemId"] for item in answer["personalizedRanking"]][2:] == ["x", "y"]


@pytest.mark.parametrize(
    ("kind", "version", "expression", "says"),
    [
        ("Inference", "films version", "INCLUDE UserID WHERE Users.AGE < 30", "chooses UserID"),
        ("Segment", "fans version", "INCLUDE ItemID WHERE Items.PRICE < 3", "chooses ItemID"),
        (
            "Inference",
            "films version",
            "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE",
            "uses CurrentItem",
        ),
    ],
)
def test_a_batch_job_needs_a_filter_that_fits(
    used: Frozen, stage: Stage, kind: str, version: str, expression: str, says: str
) -> None:
    name = re.sub(r"\W+", "-", expression).strip("-")[:60]
    chosen = used.call(
        "CreateFilter",
        name=name,
        datasetGroupArn=stage.record.arns["group"],
        filterExpression=expression,
    )
    used.let_pass(1)
    used.let_pass(1)
    request = stage.record.requests[f"CreateBatch{kind}Job"]
    answer = used.send(
        f"CreateBatch{kind}Job", {**request, "jobName": "unfit", "filterArn": chosen["filterArn"]}
    )
    assert answer.code == "InvalidInputException"
    assert says in answer.message
