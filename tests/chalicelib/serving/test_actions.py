"""GET /actions/{user}: what a campaign of next best actions answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chalicelib.house import ARN, NOT_FOUND, REFUSAL, THROTTLE, FakeRuntime, House


class ActionRuntime(FakeRuntime):
    """Answers with actions, or fails as planned."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.failure, self.asked = failure, []  # type: ignore[var-annotated]

    def get_action_recommendations(self, **arguments: Any) -> dict[str, Any]:
        self.asked.append(arguments)
        if self.failure:
            raise self.failure
        return {"actionList": [{"actionId": "call", "score": 0.5}], "recommendationId": "R1"}


@pytest.fixture
def house_of_actions(house: House) -> House:
    house.serve(solution="for-you")
    house.serve(solution="next", recipe="aws-next-best-action", recipe_type="PERSONALIZED_ACTIONS")
    house.runtime = ActionRuntime()
    return house


def test_the_actions_of_a_user(house_of_actions: House) -> None:
    answered = house_of_actions.get("/actions/u1?filter=not-purchased")
    assert answered.status == 200
    assert answered.json["actions"] == [{"actionId": "call", "score": 0.5}]
    assert (answered.json["solution"], answered.json["recommendationId"]) == ("next", "R1")
    assert house_of_actions.runtime.asked == [  # type: ignore[attr-defined]
        {
            "campaignArn": f"{ARN}:campaign/shop-next",
            "userId": "u1",
            "numResults": 5,
            "filterArn": f"{ARN}:filter/not-purchased",
            "filterValues": {},
        }
    ]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/actions/u1?numResults=101", 400),
        ("/actions/u1?context=%7B%22a%22%3A%22b%22%7D", 400),
        ("/actions/u1?solution=for-you", 400),
        ("/actions/u1?filter=nope", 404),
    ],
)
def test_what_actions_do_not_take_is_refused(
    house_of_actions: House, path: str, status: int
) -> None:
    assert house_of_actions.get(path).status == status


@pytest.mark.parametrize(("failure", "status"), [(NOT_FOUND, 409), (REFUSAL, 400), (THROTTLE, 429)])
def test_without_the_campaign_there_are_no_actions(
    house_of_actions: House, failure: Exception, status: int
) -> None:
    house_of_actions.runtime = ActionRuntime(failure)
    assert house_of_actions.get("/actions/u1").status == status


def test_a_group_without_actions_says_so(shop: House) -> None:
    answered = shop.get("/actions/u1")
    assert answered.status == 409
    assert "has no solution that recommends actions yet" in answered.error["message"]
