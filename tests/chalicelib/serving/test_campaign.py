"""A campaign asked: the arguments that go to the service, and its answer as ours."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.documents import ServingRecord
from chalicelib.errors import Missing, Throttled
from chalicelib.serving.answers import Answer
from chalicelib.serving.calls import Caller, Deadline
from chalicelib.serving.campaign import Campaigns, to_arguments
from chalicelib.serving.errors import BadRequest
from chalicelib.serving.group import Group
from chalicelib.serving.options import Options
from chalicelib.serving.question import Question, for_item, for_ranking, for_user
from tests.chalicelib.house import NOT_FOUND, REFUSAL, THROTTLE, Clock, FakeRuntime

RECORD = ServingRecord(
    group="shop",
    solution="for-you",
    recipe="aws-user-personalization-v2",
    recipe_type="USER_PERSONALIZATION",
    campaign_arn="campaign",
    solution_version_arn="version",
    metadata_columns=("NAME",),
)
SHOP = Group("shop", {"for-you": RECORD}, None, filters={"cheap": "filter-arn"})


def ask(runtime: Any, question: Question, record: ServingRecord = RECORD) -> Answer:
    clock = Clock()
    campaigns = Campaigns(lambda: runtime, Caller(clock.sleep, lambda: 0.5))
    return campaigns.ask(question, SHOP, record, Deadline.after(25, clock))


def test_a_question_has_the_services_arguments() -> None:
    options = Options(
        num_results=3,
        filter="cheap",
        filter_values=(("PRICE", "10"),),
        context=(("DEVICE", "phone"),),
    )
    assert to_arguments(for_item("tea", options, "u1"), SHOP, RECORD, ("NAME",)) == {
        "campaignArn": "campaign",
        "userId": "u1",
        "itemId": "tea",
        "numResults": 3,
        "filterArn": "filter-arn",
        "filterValues": {"PRICE": "10"},
        "context": {"DEVICE": "phone"},
        "metadataColumns": {"ITEMS": ["NAME"]},
    }


def test_a_ranking_gives_items_and_no_number() -> None:
    arguments = to_arguments(for_ranking("u1", ["a", "b"], Options()), SHOP, RECORD, ())
    assert arguments == {"campaignArn": "campaign", "userId": "u1", "inputList": ["a", "b"]}


def test_the_answer_says_who_gave_it() -> None:
    answer = ask(FakeRuntime(), for_user("u1", Options(num_results=1)))
    assert [item.item_id for item in answer.items] == ["u1-0"]
    assert answer.items[0].metadata == {"NAME": "NAME of it"}
    assert (answer.source, answer.solution, answer.solution_version, answer.recommendation_id) == (
        "campaign",
        "for-you",
        "version",
        "RID-1",
    )


def test_metadata_that_nobody_asked_for_is_no_reason_to_fail() -> None:
    runtime = FakeRuntime(REFUSAL, None)
    answer = ask(runtime, for_user("u1", Options()))
    assert answer.notes == ("Metadata is left out: userId is not what was expected",)
    assert "metadataColumns" not in runtime.calls[-1]


def test_metadata_that_was_asked_for_is_refused_as_the_service_says() -> None:
    runtime = FakeRuntime(REFUSAL)
    with pytest.raises(BadRequest, match="The service refused the request: userId is not"):
        ask(runtime, for_user("u1", Options(metadata=True)))
    assert len(runtime.calls) == 1


@pytest.mark.parametrize(
    ("metadata", "notes"),
    [(None, ()), (True, ("Metadata is left out: the solution has no metadata columns.",))],
)
def test_a_solution_without_metadata_is_noted_to_those_who_asked(
    metadata: bool | None, notes: tuple[str, ...]
) -> None:
    record = ServingRecord(
        group="shop", solution="s", recipe="r", recipe_type="t", campaign_arn="c"
    )
    assert ask(FakeRuntime(), for_user("u1", Options(metadata=metadata)), record).notes == notes


@pytest.mark.parametrize(("failure", "kind"), [(NOT_FOUND, Missing), (THROTTLE, Throttled)])
def test_other_failures_go_on_to_the_recommender(failure: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        ask(FakeRuntime(failure), for_user("u1", Options()))


def test_an_item_that_only_popular_items_resemble_is_said_to_be_unknown() -> None:
    popular = {"itemList": [{"itemId": "tea", "reason": ["Popular item"]}]}
    answer = ask(FakeRuntime(popular), for_item("new", Options()))
    assert (answer.item, answer.user) == ("unknown", None)
    mixed = {"itemList": [*popular["itemList"], {"itemId": "milk"}]}
    assert ask(FakeRuntime(mixed), for_item("new", Options())).item is None
