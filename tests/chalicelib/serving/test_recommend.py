"""Campaign, cache or fallback: what is answered, and what is said about it."""

from __future__ import annotations

import json

import pytest

from tests.chalicelib.house import (
    ARN,
    FAULT,
    NOT_FOUND,
    REFUSAL,
    THROTTLE,
    TIMEOUT,
    FakeRuntime,
    House,
    encode,
    service_error,
)


def test_the_campaign_answers_and_says_so(shop: House) -> None:
    answered = shop.get("/recommendations/u1?numResults=3")
    assert answered.status == 200
    assert answered.json == {
        "items": [
            {
                "itemId": f"u1-{n}",
                "score": 1 / (n + 1),
                "metadata": {"NAME": "NAME of it", "PRICE": "PRICE of it"},
            }
            for n in range(3)
        ],
        "source": "campaign",
        "group": "shop",
        "solution": "for-you",
        "recipe": "aws-user-personalization-v2",
        "solutionVersion": f"{ARN}:solution/shop-for-you/1",
        "recommendationId": "RID-1",
        "run": "run1",
    }
    assert shop.runtime.calls == [
        {
            "campaignArn": f"{ARN}:campaign/shop-for-you",
            "userId": "u1",
            "numResults": 3,
            "metadataColumns": {"ITEMS": ["NAME", "PRICE"]},
        },
    ]


def test_answers_are_json_for_one_caller_alone(shop: House) -> None:
    for path, status in [("/recommendations/u1", 200), ("/recommendations/u1?numResults=abc", 400)]:
        answered = shop.get(path)
        assert answered.status == status
        assert answered.headers["Content-Type"] == "application/json"
        assert answered.headers["Cache-Control"] == "no-store"


def test_twenty_five_results_by_default(shop: House) -> None:
    assert len(shop.get("/recommendations/u1").items) == 25


def test_ids_in_the_path_are_percent_decoded_once(shop: House) -> None:
    for user in ("a b", "a/b", "Zoë €", "50%", "%20", "a+b", "日本\U0001f375"):
        shop.get(f"/recommendations/{encode(user)}?numResults=1")
        assert shop.runtime.calls[-1]["userId"] == user


def test_the_second_answer_comes_from_the_cache(shop: House) -> None:
    first = shop.get("/recommendations/u1?numResults=2")
    second = shop.get("/recommendations/u1?numResults=2")
    assert second.json == {**first.json, "source": "cache"}
    assert len(shop.runtime.calls) == 1


def test_other_questions_are_not_answered_from_the_cache(shop: House) -> None:
    context, values = encode('{"DEVICE":"phone"}'), encode('{"GENRE":"tea"}')
    paths = [
        "u1",
        "u2",
        "u1?numResults=2",
        f"u1?context={context}",
        "u1?filter=not-purchased",
        "u1?metadata=false",
    ]
    for path in [*paths, f"u1?filter=not-purchased&filterValues={values}"]:
        assert shop.get(f"/recommendations/{path}").json["source"] == "campaign"


def test_a_cached_answer_lasts_ten_seconds(shop: House) -> None:
    shop.get("/recommendations/u1")
    shop.clock.seconds += 10.1
    assert shop.get("/recommendations/u1").json["source"] == "campaign"


def test_a_promotion_is_seen_within_ten_seconds_and_never_answered_by_the_old_cache(
    shop: House,
) -> None:
    shop.get("/recommendations/u1")
    shop.serve(solution_version_arn=f"{ARN}:solution/shop-for-you/2")
    shop.clock.seconds += 10.1
    answered = shop.get("/recommendations/u1").json
    assert (answered["source"], answered["solutionVersion"]) == (
        "campaign",
        f"{ARN}:solution/shop-for-you/2",
    )


def test_a_users_event_outdates_that_users_answers_only(shop: House) -> None:
    shop.get("/recommendations/u1")
    shop.get("/recommendations/u2")
    shop.post("/events", {"userId": "u1", "eventType": "view", "itemId": "tea"})
    assert shop.get("/recommendations/u1").json["source"] == "campaign"
    assert shop.get("/recommendations/u2").json["source"] == "cache"


@pytest.mark.parametrize(
    ("failure", "reason", "calls"),
    [
        (THROTTLE, "The campaign is overloaded (ThrottlingException).", 3),
        (FAULT, "The campaign does not answer (InternalFailure).", 3),
        (TIMEOUT, "The campaign does not answer (ReadTimeoutError).", 1),
        (NOT_FOUND, "The campaign, or its filter, is not there (ResourceNotFoundException).", 1),
    ],
)
def test_a_failing_campaign_gives_the_popular_list_and_says_why(
    shop: House,
    failure: Exception,
    reason: str,
    calls: int,
) -> None:
    shop.runtime = FakeRuntime(failure)
    answered = shop.get("/recommendations/u1?numResults=2")
    assert answered.status == 200
    assert answered.json == {
        "items": [
            {
                "itemId": "tea",
                "score": 100.0,
                "reason": "Popular item",
                "metadata": {"NAME": "TEA"},
            },
            {
                "itemId": "milk",
                "score": 99.0,
                "reason": "Popular item",
                "metadata": {"NAME": "MILK"},
            },
        ],
        "source": "fallback",
        "reason": reason,
        "group": "shop",
        "solution": "for-you",
        "recipe": "aws-user-personalization-v2",
        "run": "run1",
    }
    assert len(shop.runtime.calls) == calls
    assert sum(shop.clock.slept) < 1


def test_a_throttle_that_passes_is_not_seen(shop: House) -> None:
    shop.runtime = FakeRuntime(THROTTLE, None)
    assert shop.get("/recommendations/u1").json["source"] == "campaign"


def test_a_fallback_is_not_cached(shop: House) -> None:
    shop.runtime = FakeRuntime(NOT_FOUND, None)
    assert [shop.get("/recommendations/u1").json["source"] for _ in range(2)] == [
        "fallback",
        "campaign",
    ]


def test_what_the_fallback_cannot_do_is_noted(shop: House) -> None:
    shop.runtime = FakeRuntime(NOT_FOUND)
    context = encode('{"DEVICE":"phone"}')
    answered = shop.get(f"/recommendations/u1?filter=not-purchased&context={context}").json
    assert answered["notes"] == [
        "Filter 'not-purchased' is not applied: the popular list cannot be filtered.",
        "context is not applied: the popular list has none.",
    ]


def test_a_filter_that_leaves_nothing_gives_the_popular_list(shop: House) -> None:
    shop.runtime = FakeRuntime({"itemList": [], "recommendationId": "r"})
    answered = shop.get("/recommendations/u1?filter=not-purchased").json
    assert (answered["source"], answered["reason"]) == ("fallback", "The filter left no item.")


def test_a_solution_without_campaign_gives_the_popular_list(shop: House) -> None:
    shop.serve(campaign_arn=None)
    answered = shop.get("/recommendations/u1").json
    assert (answered["source"], answered["reason"]) == (
        "fallback",
        "Solution 'for-you' has no campaign yet.",
    )


@pytest.mark.parametrize(
    ("failure", "status"), [(NOT_FOUND, 409), (THROTTLE, 429), (FAULT, 503), (TIMEOUT, 503)]
)
def test_with_neither_campaign_nor_list_the_status_says_which_it_is(
    house: House, failure: Exception, status: int
) -> None:
    house.serve()
    house.runtime = FakeRuntime(failure)
    answered = house.get("/recommendations/u1")
    assert answered.status == status
    assert ("Retry-After" in answered.headers) == (status != 409)
    assert "no popular list" in answered.error["message"]


def test_what_the_service_refuses_is_the_callers_to_repair(shop: House) -> None:
    shop.runtime = FakeRuntime(REFUSAL)
    answered = shop.get("/recommendations/u1")
    assert (answered.status, len(shop.runtime.calls)) == (400, 2)  # the second without metadata
    assert answered.error == {
        "code": "BadRequest",
        "message": "The service refused the request: userId is not what was expected",
    }


def test_a_campaign_made_without_metadata_still_answers(shop: House) -> None:
    shop.runtime = FakeRuntime(
        service_error("InvalidInputException", "Metadata is not enabled for the campaign"), None
    )
    answered = shop.get("/recommendations/u1").json
    assert answered["source"] == "campaign"
    assert answered["notes"] == ["Metadata is left out: Metadata is not enabled for the campaign"]
    assert "metadataColumns" not in shop.runtime.calls[-1]


def test_a_campaign_that_is_not_active_yet_gives_the_popular_list(shop: House) -> None:
    shop.runtime = FakeRuntime(
        service_error(
            "InvalidInputException", "It is in status CREATE IN_PROGRESS. Expected ACTIVE."
        )
    )
    assert shop.get("/recommendations/u1").json["source"] == "fallback"


def test_above_fifty_results_metadata_is_left_out_and_said_so(shop: House) -> None:
    answered = shop.get("/recommendations/u1?numResults=51").json
    assert answered["notes"] == [
        "Metadata is left out: the service gives it for at most 50 items, 51 were asked for.",
    ]
    assert "metadataColumns" not in shop.runtime.calls[-1]


def test_at_most_ten_metadata_columns_are_asked_for(shop: House) -> None:
    shop.serve(metadata_columns=[f"C{number}" for number in range(12)])
    shop.get("/recommendations/u1")
    assert len(shop.runtime.calls[-1]["metadataColumns"]["ITEMS"]) == 10


def test_a_user_for_whom_all_items_are_popular_is_said_to_be_unknown(shop: House) -> None:
    popular = [{"itemId": "tea", "reason": ["Popular item"]}]
    shop.runtime = FakeRuntime({"itemList": popular, "recommendationId": "r"})
    answered = shop.get("/recommendations/new").json
    assert (answered["source"], answered["reason"], answered["user"]) == (
        "campaign",
        "Popular item",
        "unknown",
    )


def test_with_a_filter_popular_items_say_nothing_about_the_user(shop: House) -> None:
    popular = [{"itemId": "tea", "reason": ["Popular item"]}]
    shop.runtime = FakeRuntime({"itemList": popular, "recommendationId": "r"})
    assert "user" not in shop.get("/recommendations/u1?filter=not-purchased").json


def test_filter_and_context_reach_the_service_as_it_takes_them(shop: House) -> None:
    values = encode(
        json.dumps({"GENRE": ["tea", "coffee"], "PRICE": 10, "NAME": 'x" OR 1=1'.replace('"', "'")})
    )
    context = encode('{"DEVICE":"phone","HOUR":7}')
    shop.get(f"/recommendations/u1?filter=not-purchased&filterValues={values}&context={context}")
    assert shop.runtime.calls[-1]["filterArn"] == f"{ARN}:filter/not-purchased"
    assert shop.runtime.calls[-1]["filterValues"] == {
        "GENRE": '"tea","coffee"',
        "PRICE": "10",
        "NAME": '"x\' OR 1=1"',
    }
    assert shop.runtime.calls[-1]["context"] == {"DEVICE": "phone", "HOUR": "7"}


def test_similar_asks_the_related_items_solution_and_never_falls_back_to_the_item_itself(
    shop: House,
) -> None:
    shop.serve(solution="similar", recipe="aws-similar-items", recipe_type="RELATED_ITEMS")
    assert shop.get("/similar/tea?numResults=2&metadata=false").items == ["tea-0", "tea-1"]
    assert shop.runtime.calls[-1]["itemId"] == "tea"
    shop.runtime = FakeRuntime(NOT_FOUND)
    assert shop.get("/similar/milk?numResults=2").items == ["tea", "rice"]


def test_similar_takes_a_user_for_filters_on_their_interactions(shop: House) -> None:
    shop.serve(solution="similar", recipe="aws-similar-items", recipe_type="RELATED_ITEMS")
    shop.get("/similar/tea?userId=u1&filter=not-purchased")
    assert (shop.runtime.calls[-1]["itemId"], shop.runtime.calls[-1]["userId"]) == ("tea", "u1")


def test_rank_orders_the_given_items(shop: House) -> None:
    shop.serve(
        solution="rank", recipe="aws-personalized-ranking-v2", recipe_type="PERSONALIZED_RANKING"
    )
    answered = shop.post("/rank", {"userId": 7, "items": ["a", "b", 3, "a"], "metadata": False})
    assert answered.items == ["3", "b", "a"]
    assert shop.runtime.calls[-1]["inputList"] == ["a", "b", "3"]
    assert shop.runtime.calls[-1]["userId"] == "7"


def test_without_a_ranking_campaign_items_are_ordered_by_popularity_and_it_is_said_so(
    shop: House,
) -> None:
    answered = shop.post("/rank", {"userId": "u1", "items": ["x", "rice", "y", "tea"]})
    assert answered.items == ["tea", "rice", "x", "y"]
    assert answered.json["source"] == "fallback"
    assert answered.json["reason"] == "Group 'shop' serves no solution that is ranked."


def test_popular_lists_what_is_popular(shop: House) -> None:
    answered = shop.get("/popular?numResults=2")
    assert answered.items == ["tea", "milk"]
    assert answered.json["source"] == "fallback"
    shop.serve(solution="popular", recipe="aws-popularity-count", recipe_type="POPULAR_ITEMS")
    shop.clock.seconds += 11
    assert shop.get("/popular?numResults=2").json["source"] == "campaign"


def test_a_new_run_brings_a_new_popular_list(shop: House) -> None:
    shop.get("/popular")
    shop.serve_popular("rice", run="run2")
    shop.clock.seconds += 11
    assert shop.get("/popular").items == ["rice"]


def test_with_several_groups_one_must_be_named(shop: House) -> None:
    shop.serve(group="books")
    answered = shop.get("/recommendations/u1")
    assert answered.status == 400
    assert (
        answered.error["message"]
        == "group is missing and there are several. Expected one of: books, shop."
    )
    assert shop.get("/recommendations/u1?group=books").json["group"] == "books"


def test_unknown_names_are_answered_with_the_known_ones(shop: House) -> None:
    expected = {
        "group=nope": "Unknown group 'nope'. Expected one of: shop.",
        "solution=nope": "Group 'shop' has no solution 'nope'. Expected one of: for-you.",
        "filter=nope": "Group 'shop' has no filter 'nope'. Expected one of: not-purchased.",
    }
    for query, message in expected.items():
        answered = shop.get(f"/recommendations/u1?{query}")
        assert (answered.status, answered.error["message"]) == (404, message)


def test_a_solution_of_the_wrong_type_is_refused(shop: House) -> None:
    answered = shop.get("/similar/tea?solution=for-you")
    assert answered.status == 400
    assert answered.error["message"] == "Solution 'for-you' is personal. Expected one of: related."


def test_without_any_group_there_is_nothing_to_serve(house: House) -> None:
    assert house.get("/recommendations/u1").status == 404


def test_a_popularity_campaign_that_refuses_a_question_without_wishes_gives_the_list(
    shop: House,
) -> None:
    shop.serve(solution="popular", recipe="aws-popularity-count", recipe_type="POPULAR_ITEMS")
    shop.runtime = FakeRuntime(REFUSAL)
    assert shop.get("/popular").json["source"] == "fallback"
    assert shop.get("/popular?filter=not-purchased").status == 400


def test_items_ranked_by_popularity_bring_their_metadata(shop: House) -> None:
    ranked = shop.post("/rank", {"userId": "u1", "items": ["x", "tea"]}).json["items"]
    assert ranked == [
        {"itemId": "tea", "score": 100.0, "reason": "Popular item", "metadata": {"NAME": "TEA"}},
        {"itemId": "x"},
    ]
