"""The external-function contract, both ways.

    in    {"data": [[row_number, argument, ...], ...]}
    out   {"data": [[row_number, value], ...]}

Row numbers are copied, never made: whatever order the rows arrive in is the order they leave in. A
batch that is not the contract's shape is a BadRequest (Snowflake fails the query at once, with our
message); a bad value in one row is that row's value, `{"error": {"code", "message"}}`.

https://docs.snowflake.com/en/sql-reference/external-functions-data-format
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.serving.errors import ApiError, BadRequest, TooLarge
from chalicelib.serving.values import type_name

# Lambda's answers end at 6 MB; the rest is room for the envelope.
MAX_ANSWER_BYTES = 5_500_000
ROW_OVERHEAD_BYTES = 30
_NO_ROOM = (
    b'{"error":{"code":"TooLarge","message":"The answer is too large. Lower MAX_BATCH_ROWS."}}'
)
# Snowflake's NUMBER arrives as a JSON number of up to 38 digits; Decimal keeps those with a point
# exact.
_decoder = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True)
class Row:
    number: int
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Signature:
    """The SQL arguments of a function; those after the first `required` may be left out or NULL."""

    name: str
    arguments: tuple[str, ...]
    required: int = 1

    def check(self, row: Row, place: int) -> None:
        """Refuse a row with too few or too many arguments, which fails the whole query.

        Raises:
            BadRequest: it names the row by its place in the batch.
        """
        given = len(row.arguments)
        if given < self.required:
            missing = self.arguments[given]
            problem = f"lacks argument {missing!r}"
            raise BadRequest(f"data[{place}]: function {self.name} {problem}. {self._expected()}")
        if given > len(self.arguments):
            extra = given - len(self.arguments)
            problem = f"has {extra} argument(s) after {self.arguments[-1]!r}"
            raise BadRequest(f"data[{place}]: function {self.name} {problem}. {self._expected()}")

    def _expected(self) -> str:
        return f"Expected ({', '.join(self.arguments)})."


def parse_batch(body: bytes, signature: Signature) -> list[Row]:
    """The rows as received, each with as many arguments as the signature allows.

    Raises:
        BadRequest: the body is no batch, or a row does not fit the signature.
    """
    try:
        batch = _decoder.decode(body)
    except RecursionError as error:
        raise BadRequest("The body is nested too deeply.") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from error
    if not isinstance(batch, dict) or not isinstance(batch.get("data"), list):
        raise BadRequest('The body is not a batch. Expected {"data": [[0, argument, ...], ...]}.')
    rows = [_parse_row(row, place) for place, row in enumerate(batch["data"])]
    for place, row in enumerate(rows):
        signature.check(row, place)
    return rows


def _parse_row(row: Any, place: int) -> Row:
    if not isinstance(row, list) or not row:
        raise BadRequest(
            f"data[{place}] is of type {type_name(row)}. Expected [row_number, argument, ...]."
        )
    number = row[0]
    # Copied into the answer, so it must be what Snowflake sends; bool is a subclass of int.
    if isinstance(number, bool) or not isinstance(number, int):
        raise BadRequest(
            f"data[{place}][0] is of type {type_name(number)}. Expected a whole row number."
        )
    return Row(number, tuple(row[1:]))


def row_error(error: ApiError) -> dict[str, Any]:
    """The value of a row whose arguments are wrong."""
    return {"error": {"code": error.code, "message": error.message}}


def encode_rows(rows: Sequence[Row], values: Sequence[bytes]) -> dict[str, Any]:
    """The answer: each row's number with its value, given as JSON.

    What no longer fits becomes a `TooLarge` value.

    Raises:
        TooLarge: the batch is too long for even that.
    """
    # Room for an error is kept for every row, so that whatever comes first can never crowd it out.
    room = MAX_ANSWER_BYTES - len(rows) * (len(_NO_ROOM) + ROW_OVERHEAD_BYTES)
    if room < 0:
        raise TooLarge(
            f"The batch has {len(rows):,} rows. Lower MAX_BATCH_ROWS of the external function."
        )
    data = []
    for row, value in zip(rows, values, strict=True):
        growth = max(0, len(value) - len(_NO_ROOM))
        fits = growth <= room
        room -= growth if fits else 0
        data.append((row.number, msgspec.Raw(value if fits else _NO_ROOM)))
    return {"data": data}
