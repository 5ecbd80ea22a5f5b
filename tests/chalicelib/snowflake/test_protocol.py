"""The external-function contract, without a function behind it."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest

from chalicelib.serving.errors import BadRequest, TooLarge
from chalicelib.snowflake.protocol import (
    MAX_ANSWER_BYTES,
    Row,
    Signature,
    encode_rows,
    parse_batch,
    row_error,
)

SIGNATURE = Signature("rank", ("user_id", "items", "options"), required=2)


def test_row_numbers_and_arguments_are_read_as_they_are() -> None:
    body = b'{"data": [[7, "u", ["a"]], [99999999999999999999, null, 1.10, {}]]}'
    assert parse_batch(body, SIGNATURE) == [
        Row(7, ("u", ["a"])),
        Row(99999999999999999999, (None, Decimal("1.10"), {})),
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0, "u"]], "data[0]: function rank lacks argument 'items'."),
        ([[0, "u", []], [1]], "data[1]: function rank lacks argument 'user_id'."),
        ([[0, "u", [], {}, 5]], "data[0]: function rank has 1 argument(s) after 'options'."),
        ([[]], "data[0] is of type array. Expected [row_number, argument, ...]."),
        ([7], "data[0] is of type number. Expected [row_number, argument, ...]."),
        ([["0", "u", []]], "data[0][0] is of type string. Expected a whole row number."),
        ([[True, "u", []]], "data[0][0] is of type boolean. Expected a whole row number."),
    ],
)
def test_a_row_that_does_not_fit_fails_the_batch_and_is_named(
    rows: list[object], message: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_batch(json.dumps({"data": rows}).encode(), SIGNATURE)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"{}", b'{"data":{}}', b"[" * 200_000, b"\xff"]
)
def test_what_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_batch(body, SIGNATURE)


def test_values_go_out_under_their_rows_numbers() -> None:
    rows = [Row(3, ()), Row(1, ())]
    answer = msgspec.json.encode(encode_rows(rows, [b'{"a":1}', b"null"]))
    assert answer == b'{"data":[[3,{"a":1}],[1,null]]}'


def test_a_value_that_does_not_fit_says_so_and_smaller_ones_after_it_stay() -> None:
    large = b'"' + b"x" * (MAX_ANSWER_BYTES // 2) + b'"'
    answer = encode_rows([Row(n, ()) for n in range(3)], [large, large, b"7"])
    sent = json.loads(msgspec.json.encode(answer))["data"]
    assert len(sent[0][1]) == MAX_ANSWER_BYTES // 2
    assert sent[1][1]["error"]["code"] == "TooLarge"
    assert sent[2][1] == 7
    assert len(msgspec.json.encode(answer)) <= MAX_ANSWER_BYTES


def test_a_batch_too_long_for_any_answer_is_refused_whole() -> None:
    rows = [Row(number, ()) for number in range(50_000)]
    with pytest.raises(TooLarge, match="Lower MAX_BATCH_ROWS"):
        encode_rows(rows, [b"null"] * len(rows))


def test_what_is_wrong_with_a_row_is_its_value() -> None:
    assert row_error(BadRequest("No.")) == {"error": {"code": "BadRequest", "message": "No."}}
