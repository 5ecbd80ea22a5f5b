"""GET /segments/{item}: what the last batch job of segments found."""

from __future__ import annotations

import pytest

from chalicelib import documents, layout
from chalicelib.documents import Segment, SegmentIndex
from tests.chalicelib.house import House, encode

TASTE = 'ITEMS.TASTE = "tea"'


@pytest.fixture
def fans(house: House) -> House:
    for solution, recipe, question, users in (
        ("fans", "aws-item-affinity", "tea", ("u3", "u1", "u2")),
        ("taste", "aws-item-attribute-affinity", TASTE, ("u9",)),
    ):
        place_of = ("shop", solution, "run1")
        for key, document in (
            (layout.segment_index(*place_of), SegmentIndex(places={question: 0})),
            (layout.segment(*place_of, 0), Segment(users=users)),
        ):
            house.s3.put_object(Bucket="work", Key=key, Body=documents.encode(document))
        house.serve(
            solution=solution, recipe=recipe, recipe_type="USER_SEGMENTATION", campaign_arn=None
        )
    return house


def test_the_users_of_an_item_or_of_attributes(fans: House) -> None:
    answered = fans.get("/segments/tea?numResults=2")
    assert (answered.status, answered.json["users"]) == (200, ["u3", "u1"])
    assert (answered.json["solution"], answered.json["run"]) == ("fans", "run1")
    answered = fans.get(f"/segments/{encode(TASTE)}")
    assert (answered.json["users"], answered.json["solution"]) == (["u9"], "taste")


def test_what_has_no_segment_is_not_found(fans: House) -> None:
    answered = fans.get("/segments/milk")
    assert answered.status == 404
    assert "Solutions searched: fans, taste" in answered.error["message"]
    assert fans.get("/segments/tea?solution=taste").status == 404


def test_a_group_without_segments_says_so(shop: House) -> None:
    assert shop.get("/segments/tea").status == 409
