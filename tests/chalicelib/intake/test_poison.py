"""Whatever comes by the queue or lies in the bucket: one group is told, and no other one waits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chalicelib.documents import ArrivalRecord
from chalicelib.intake import inbox
from chalicelib.intake.commits import Commit, read_commit
from chalicelib.intake.keys import recognise
from chalicelib.intake.manifests import Manifest, ManifestError, read_manifest
from tests.chalicelib.intake.stage import Stage

DEEP, DIGITS = "[" * 3_000 + "]" * 3_000, "9" * 5_000
texts = st.one_of(
    st.text(max_size=30), st.sampled_from(["s3://b/k", "x" * 2_000, "\ud800", "../a"])
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(10**300, 10**301), st.floats(), texts
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
files = st.lists(
    st.fixed_dictionaries(
        {},
        optional={"name": texts | anything, "size": anything, "rows": anything, "url": anything},
    )
    | anything,
    max_size=3,
)
manifests = st.fixed_dictionaries(
    {},
    optional={
        "version": anything,
        "mode": st.sampled_from(["FULL", "incremental"]) | anything,
        "datasets": st.dictionaries(
            st.sampled_from(["INTERACTIONS", "items"]) | texts, files | anything, max_size=2
        )
        | anything,
        "entries": files | anything,
        "added": st.lists(texts, max_size=3) | anything,
    },
)


def arrival(key: str) -> Any:
    return recognise(ArrivalRecord(key=key, etag="e", size=1, arrived=1.0), {})


def outcome(read: Callable[[], Manifest | Commit]) -> list[str] | str:
    """The keys that a list names, or what people are told; any other error fails the test."""
    try:
        found = read()
    except ManifestError as error:
        return str(error)
    return [file.key for file in found.files] if isinstance(found, Manifest) else list(found.added)


def check(told: list[str] | str, key: str) -> None:
    if isinstance(told, str):
        assert key in told
        assert len(told) < 1_000
    else:
        assert all(name.startswith("shop/") for name in told)
        assert all(0 < len(name.encode()) <= 1_000 for name in told)


@settings(max_examples=400, deadline=None)
@given(manifests | anything)
def test_any_json_is_a_manifest_or_an_error_that_names_it(document: Any) -> None:
    key, body = "shop/interactions/manifest.json", json.dumps(document).encode()
    check(outcome(lambda: read_manifest(arrival(key), body, "b", {})), key)


@settings(max_examples=200, deadline=None)
@given(manifests | anything)
def test_any_json_is_a_commit_or_an_error_that_names_it(document: Any) -> None:
    key, body = "shop/items/_committed_1", json.dumps(document).encode()
    check(outcome(lambda: read_commit(key, body)), key)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
@example(DEEP.encode())
@example(DIGITS.encode())
@example(b'{"added": ' + DIGITS.encode() + b"}")
def test_any_bytes_are_a_manifest_or_an_error_that_names_it(body: bytes) -> None:
    check(outcome(lambda: read_manifest(arrival("shop/manifest.json"), body, "b", {})), "shop/")


# -- by the queue ----------------------------------------------------------------------------------

POISONED = [
    "",
    "not JSON",
    "null",
    "[]",
    '"text"',
    DEEP,
    DIGITS,
    '{"look_again": null}',
    '{"look_again": ["shop"]}',
    '{"look_again": "../etc"}',
    '{"detail-type": "Object Created"}',
    '{"detail-type": "Object Created", "detail": []}',
    '{"detail-type": "Object Created", "detail": {"object": {"key": 7}}}',
    '{"detail-type": "Object Created", "detail": {"object": {"key": ""}}}',
    '{"detail-type": "Object Created", "detail": {"object": {"key": "shop/items/\\ud800"}}}',
    json.dumps({"detail-type": "Object Created", "detail": {"object": {"key": "k" * 1_025}}}),
]


@pytest.mark.parametrize("body", POISONED, ids=lambda body: str(body)[:40])
def test_a_poisoned_message_is_told_and_does_not_come_again(stage: Stage, body: str) -> None:
    records = [
        {"messageId": str(n), "body": text, "eventSource": "aws:sqs"}
        for n, text in enumerate([body, '{"look_again": "shop"}'])
    ]
    stage.put("shop/recdrop.toml", "[source]\ncomplete = 'each-file'\n")
    stage.put("shop/interactions/a.csv")
    stage.context.ledger.record_arrival("shop", "shop/interactions/a.csv", etag="e", size=21)
    answer = inbox.handle(stage.context, {"Records": records}, None)
    assert answer == {"batchItemFailures": []}
    assert len(stage.topic.told) == 1
    assert len(stage.runs) == 1  # the message beside it was taken


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(anything)
def test_any_json_message_is_taken_without_an_error(stage: Stage, document: Any) -> None:
    inbox.receive(stage.context, json.dumps(document))
    inbox.receive(stage.context, json.dumps({"look_again": document}))
    event = {"detail-type": "Object Created", "detail": {"object": {"key": document}}}
    inbox.receive(stage.context, json.dumps(event))


# -- in the bucket ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("sick/recdrop.toml", f"a = {DEEP}"),
        ("sick/recdrop.toml", f"a = {DIGITS}"),
        ("sick/recdrop.toml", f"[group]\ndomain = 0x{'f' * 5_000}"),
        ("sick/recdrop.toml", "\x00"),
        ("sick/manifest.json", DEEP),
        ("sick/manifest.json", f'{{"datasets": {DIGITS}}}'),
        ("sick/manifest.json", '{"datasets": {"ITEMS": [{"name": "\\ud800"}]}}'),
        ("sick/manifest.json", '{"datasets": {"ITEMS": [{"name": "a", "size": 1e999}]}}'),
        ("sick/items/_committed_1", DEEP),
        ("sick/items/_committed_1", '{"added": [7]}'),
    ],
    ids=lambda text: text[:30],
)
def test_a_poisoned_file_is_told_of_and_mended_by_another(
    stage: Stage, key: str, body: str
) -> None:
    stage.put(key, body)
    stage.put("sick/interactions/a.csv")
    stage.drop("sick/interactions/a.csv")
    stage.hear(key)
    (*_, told) = stage.topic.told
    assert told["Subject"] == "recdrop sick: waiting for a correction"
    assert len(told["Message"]) < 3_000
    assert stage.waiting("sick")

    stage.put("well/recdrop.toml", "[source]\ncomplete = 'each-file'\n")
    stage.drop("well/interactions/a.csv")  # another group does not wait for it
    assert len(stage.runs) == 1
