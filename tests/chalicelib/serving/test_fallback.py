"""The popular list in a campaign's place."""

from __future__ import annotations

import pytest

from chalicelib.documents import PopularItem, PopularRecord
from chalicelib.errors import AccessDenied, AwsError, Missing, ServiceUnavailable, Throttled
from chalicelib.serving.errors import ApiError, NotReady, TooManyRequests, Unavailable
from chalicelib.serving.fallback import empty_reason, failure_reason, fall_back, missing_reason
from chalicelib.serving.group import Group
from chalicelib.serving.options import Options
from chalicelib.serving.question import for_everyone, for_item, for_ranking, for_user

SHOP = Group("shop", {}, PopularRecord(key="k", run="run1"))
POPULAR = tuple(
    PopularItem(item_id=item, count=100 - n, metadata={"NAME": item.upper()})
    for n, item in enumerate(("tea", "milk", "rice"))
)


def test_the_most_popular_items_are_taken_with_their_metadata() -> None:
    answer = fall_back(for_user("u1", Options(num_results=2)), SHOP, None, POPULAR, "Because.")
    assert [item.item_id for item in answer.items] == ["tea", "milk"]
    assert answer.items[0].metadata == {"NAME": "TEA"}
    assert (answer.source, answer.reason, answer.run) == ("fallback", "Because.", "run1")


def test_metadata_that_is_not_wanted_is_left_out() -> None:
    answer = fall_back(for_everyone(Options(metadata=False)), SHOP, None, POPULAR, "")
    assert answer.items[0].metadata is None


def test_an_item_is_never_similar_to_itself() -> None:
    answer = fall_back(for_item("tea", Options()), SHOP, None, POPULAR, "")
    assert [item.item_id for item in answer.items] == ["milk", "rice"]


def test_a_ranking_is_by_popularity_then_in_the_order_given() -> None:
    question = for_ranking("u1", ["x", "rice", "y", "tea"], Options())
    answer = fall_back(question, SHOP, None, POPULAR, "")
    assert [item.item_id for item in answer.items] == ["tea", "rice", "x", "y"]


def test_a_ranking_needs_no_list() -> None:
    answer = fall_back(for_ranking("u1", ["b", "a"], Options()), SHOP, None, (), "")
    assert [item.item_id for item in answer.items] == ["b", "a"]


def test_what_was_asked_for_and_is_not_done_is_noted() -> None:
    options = Options(filter="cheap", context=(("A", "b"),))
    answer = fall_back(for_user("u1", options), SHOP, None, POPULAR, "")
    assert answer.notes == (
        "Filter 'cheap' is not applied: the popular list cannot be filtered.",
        "context is not applied: the popular list has none.",
    )


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (None, NotReady),
        (Missing("ResourceNotFoundException", ""), NotReady),
        (Throttled("ThrottlingException", ""), TooManyRequests),
        (ServiceUnavailable("InternalFailure", ""), Unavailable),
        (AccessDenied("AccessDeniedException", ""), Unavailable),
    ],
)
def test_with_no_list_either_the_status_follows_the_failure(
    failure: AwsError | None, kind: type[ApiError]
) -> None:
    with pytest.raises(kind, match="Group 'shop' has no popular list") as caught:
        fall_back(for_user("u1", Options()), SHOP, None, (), "Because.", failure)
    assert (caught.value.retry_after is None) == (kind is NotReady)


def test_the_reason_says_what_is_wrong_with_the_campaign() -> None:
    assert failure_reason(Throttled("Code", "")) == "The campaign is overloaded (Code)."
    assert failure_reason(Missing("Code", "")).endswith("is not there (Code).")
    assert failure_reason(AccessDenied("Code", "")) == "The campaign does not answer (Code)."
    question = for_user("u1", Options())
    assert missing_reason(question, SHOP, None).endswith("is personal or popular or trending.")
    assert empty_reason(question) == "The campaign returned no item."
    assert empty_reason(for_everyone(Options(filter="cheap"))) == "The filter left no item."
