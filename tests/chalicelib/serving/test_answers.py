"""An answer as JSON."""

from __future__ import annotations

import msgspec

from chalicelib.serving.answers import Answer, AnswerItem


def test_an_answer_is_camel_case_and_leaves_out_what_is_absent() -> None:
    answer = Answer(
        items=(AnswerItem("tea", 0.5), AnswerItem("milk", metadata={"NAME": "Milk"})),
        source="campaign",
        group="shop",
        solution_version="arn:1",
    )
    assert msgspec.json.decode(msgspec.json.encode(answer)) == {
        "items": [
            {"itemId": "tea", "score": 0.5},
            {"itemId": "milk", "metadata": {"NAME": "Milk"}},
        ],
        "source": "campaign",
        "group": "shop",
        "solutionVersion": "arn:1",
    }
