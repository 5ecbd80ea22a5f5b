"""The rules of Snowflake's protocol that can be checked over HTTP, from outside."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from recdrop.efcheck.wire import Answer, Client, UnreachableError, WrongError

ASYNC_SECONDS = 600.0  # Snowflake's own limit of a batch that was answered with 202
MALFORMED = (b"", b"{", b"[]", b"null", b"{}", b'{"data":null}', b'{"data":[1]}', b"\xff")
ODD = ("", "a\nb", 'a"b', "a,b", "\U0001f375", "x" * 100_000)
Arguments = Sequence[Any]


@dataclass(frozen=True)
class Finding:
    """The result of a check. `problem` "": the rule holds. `said`: requests with their answers."""

    name: str
    rule: str
    problem: str
    said: list[dict[str, Any]]


@dataclass(frozen=True)
class Asker:
    """What a check gets: the client, the arguments of a good row, and how many rows are many."""

    client: Client
    row: Arguments
    many: int
    sleep: Callable[[float], None] = time.sleep

    def ask(self, rows: Sequence[Sequence[Any]], **how: Any) -> list[Any]:
        """The values of rows (each with its number), after every rule of the answer's shape."""
        return values(self.answer(json.dumps({"data": rows}).encode(), **how), rows)

    def answer(self, body: bytes, batch: str = "", **how: Any) -> Answer:
        """The answer that ends the batch: 202 is polled for."""
        batch = batch or str(uuid.uuid4())
        answer = self.client.post(body, batch, **how)
        return self.poll(batch) if answer.status == 202 else answer

    def poll(self, batch: str) -> Answer:
        pause, waited = 0.05, 0.0
        while (answer := self.client.get(batch)).status == 202:
            if waited > ASYNC_SECONDS:
                raise WrongError(f"Still 202 after {ASYNC_SECONDS:.0f} s, when Snowflake gives up.")
            self.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 10.0)
        return answer

    def rows(self, count: int) -> list[list[Any]]:
        return [[number, *self.row] for number in range(count)]


def values(answer: Answer, rows: Sequence[Sequence[Any]]) -> list[Any]:
    """The values of a good answer.

    Raises:
        WrongError: with the sentence that Snowflake fails the query with, where it has one.
    """
    if answer.status != 200:
        raise WrongError(f"Expected status 200, got {answer.status}.")
    document = answer.document
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, list):
        raise WrongError('top-level JSON object must contain "data" JSON array element')
    if len(data) != len(rows):
        problem = "Function received the wrong number of rows"
        raise WrongError(f"{problem}: {len(rows)} asked, {len(data)} answered.")
    for got, asked in zip(data, rows, strict=True):
        if not isinstance(got, list) or len(got) != 2:
            raise WrongError("Error parsing JSON: Invalid response: a row is not [number, value].")
        if type(got[0]) is not int or got[0] != asked[0]:
            raise WrongError(f"Row numbers out of order: {asked[0]} expected, {got[0]!r} answered.")
    return [value for _, value in data]


def _sizes(asker: Asker) -> None:
    for count in (1, 2, asker.many):
        asker.ask(asker.rows(count))


def _numbers_copied(asker: Asker) -> None:
    rows = [[number, *asker.row] for number in (7, 0, 3)]
    answer = asker.answer(json.dumps({"data": rows}).encode())
    if answer.status != 400:
        values(answer, rows)


def _empty(asker: Asker) -> None:
    asker.ask([])


def _nulls(asker: Asker) -> None:
    asker.ask([[0, *[None] * len(asker.row)]])


def _odd_texts(asker: Asker) -> None:
    place = next((n for n, value in enumerate(asker.row) if isinstance(value, str)), None)
    if place is None:
        return
    for text in ODD:
        row = [*asker.row[:place], text, *asker.row[place + 1 :]]
        _no_server_error(asker.answer(json.dumps({"data": [[0, *row]]}).encode()))


def _independent_rows(asker: Asker) -> None:
    nulls = [None] * len(asker.row)
    mixed = [[0, *asker.row], [1, *nulls], [2, *asker.row]]
    whole = asker.ask(mixed)
    if whole[0] != whole[2]:
        raise WrongError("Two equal rows of a batch have different values.")
    alone = [asker.ask([[0, *row[1:]]])[0] for row in mixed]
    if alone != whole:
        raise WrongError("A row's value differs when it is sent alone.")


def _arity(asker: Asker) -> None:
    for what, row in (("no argument", []), ("an argument too many", [*asker.row, 1])):
        answer = asker.answer(json.dumps({"data": [[0, *row]]}).encode())
        is_allowed = not row and answer.status == 200  # all arguments may be left out
        if not 400 <= answer.status < 429 and not is_allowed:
            raise WrongError(f"A row with {what} got {answer.status}. Expected 400.")


def _content_type(asker: Asker) -> None:
    answer = asker.answer(json.dumps({"data": asker.rows(1)}).encode())
    found = answer.headers.get("content-type", "")
    if found.partition(";")[0].strip().lower() != "application/json":
        raise WrongError(f"Content-Type is {found!r}. Expected application/json.")


def _gzip_request(asker: Asker) -> None:
    rows = asker.rows(2)
    body = gzip.compress(json.dumps({"data": rows}).encode())
    zipped = values(asker.answer(body, extra={"Content-Encoding": "gzip"}), rows)
    if zipped != asker.ask(rows):
        raise WrongError("A gzip body and a plain one have different answers.")


def _gzip_answer(asker: Asker) -> None:
    body = json.dumps({"data": asker.rows(asker.many)}).encode()
    plain = asker.answer(body, extra={"Accept-Encoding": "identity"})
    if plain.headers.get("content-encoding", "identity").lower() != "identity":
        raise WrongError("The answer is compressed, and the request does not accept that.")
    if plain.raw[:2] == b"\x1f\x8b":
        raise WrongError("The answer is gzip, and no Content-Encoding says so.")
    packed = asker.answer(body, extra={"Accept-Encoding": "gzip"})
    if packed.document != plain.document:
        raise WrongError("The compressed answer differs from the plain one.")


def _md5(asker: Asker) -> None:
    answer = asker.answer(json.dumps({"data": asker.rows(1)}).encode())
    given = answer.headers.get("content-md5")
    right = base64.b64encode(hashlib.md5(answer.raw, usedforsecurity=False).digest()).decode()
    if given not in (None, right):
        raise WrongError(f"Content-MD5 is {given!r}, of the body it is {right!r}.")


def _no_batch_id(asker: Asker) -> None:
    answer = asker.client.post(json.dumps({"data": asker.rows(1)}).encode(), None)
    if answer.status not in (200, 400):
        raise WrongError(f"Without a batch id: {answer.status}. Expected 200, or 400.")


def _more_headers(asker: Asker) -> None:
    extra = {"SF-CONTEXT-CURRENT-ROLE": "A ROLE", "sf-custom-efcheck": "x"}
    asker.ask(asker.rows(1), extra=extra)


def _malformed(asker: Asker) -> None:
    for body in MALFORMED:
        answer = asker.client.post(body)
        if not 400 <= answer.status < 429:
            problem = "Snowflake repeats it for minutes" if answer.status >= 429 else "it was taken"
            raise WrongError(f"Body {body!r} got {answer.status}. Expected 400: {problem}.")


def _repeated(asker: Asker) -> None:
    rows, batch = asker.rows(2), str(uuid.uuid4())
    body = json.dumps({"data": rows}).encode()
    first, second = asker.answer(body, batch), asker.answer(body, batch)
    values(first, rows)
    if (first.status, first.body) != (second.status, second.body):
        raise WrongError("The same batch id has two different answers.")


def _concurrent(asker: Asker) -> None:
    rows, batch = asker.rows(2), str(uuid.uuid4())
    body = json.dumps({"data": rows}).encode()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: asker.answer(body, batch), range(4)))
    if len({(answer.status, answer.body) for answer in answers}) != 1:
        raise WrongError("The same batch id, sent four times at once, has different answers.")
    values(answers[0], rows)


def _lost(asker: Asker) -> None:
    rows, batch = asker.rows(2), str(uuid.uuid4())
    body = json.dumps({"data": rows}).encode()
    asker.client.lose(body, batch)
    values(asker.answer(body, batch), rows)


def _polled_again(asker: Asker) -> None:
    batch, rows = str(uuid.uuid4()), asker.rows(2)
    if asker.client.post(json.dumps({"data": rows}).encode(), batch).status == 202:
        first = values(asker.poll(batch), rows)
        if values(asker.client.get(batch), rows) != first:
            raise WrongError("A second GET after the answer got another one.")


def _unknown_poll(asker: Asker) -> None:
    status = asker.client.get(f"unknown-{uuid.uuid4()}").status
    if not 400 <= status < 429:
        raise WrongError(
            f"GET for an unknown batch got {status}. Expected 404 or the like, at once."
        )


def _no_server_error(answer: Answer) -> None:
    if answer.status >= 429:
        raise WrongError(f"Got {answer.status}, which Snowflake sends again for minutes.")


# The numbers are those of the list of 37 in the project's notes on the protocol.
CHECKS: dict[str, tuple[str, Callable[[Asker], None]]] = {
    "sizes": ("1, 3: n rows give n rows of [number, value], in order", _sizes),
    "numbers": ("2: row numbers are copied, or refused with 400", _numbers_copied),
    "empty": ("4: an empty batch gives an empty batch", _empty),
    "nulls": ("5: a row of NULLs has a value", _nulls),
    "texts": ("6: no text of a row is a server error", _odd_texts),
    "rows": ("8, 9: a row's value depends on that row alone", _independent_rows),
    "arity": ("11: a missing or extra argument is a 400", _arity),
    "content-type": ("12: the answer is application/json", _content_type),
    "headers": ("13, 18: names in any case, base64 alone, further headers", _more_headers),
    "gzip-request": ("14: a gzip body is read", _gzip_request),
    "gzip-answer": ("15: compressed only where accepted, and said", _gzip_answer),
    "md5": ("16: no Content-MD5, or the right one", _md5),
    "no-batch-id": ("17: a request without batch id is answered", _no_batch_id),
    "malformed": ("20, 23: what is wrong for good is a 4xx, which is not sent again", _malformed),
    "repeated": ("24: the same batch id has the same answer", _repeated),
    "concurrent": ("25: so it has when sent at once", _concurrent),
    "lost": ("26: a batch whose answer was lost is answered again", _lost),
    "polled": ("27: 202, then GET until 200, which stays", _polled_again),
    "unknown-poll": ("28: GET for an unknown batch is a 4xx", _unknown_poll),
}


def run(asker: Asker) -> list[Finding]:
    """Every check, in order.

    Raises:
        UnreachableError: nothing answers, or nobody is let in: then no check would say anything.
    """
    refused = asker.client.post(json.dumps({"data": asker.rows(1)}).encode(), str(uuid.uuid4()))
    if refused.status in (401, 403):
        raise UnreachableError(
            f"{asker.client.url} lets nobody in: {refused.status} to a batch of one row. "
            "Sign with --sign REGION, or send what it wants with --header."
        )
    findings = []
    for name, (rule, check) in CHECKS.items():
        asker.client.said.clear()
        problem = ""
        try:
            check(asker)
        except WrongError as error:
            problem = str(error)
        findings.append(Finding(name, rule, problem, list(asker.client.said)))
    return findings
