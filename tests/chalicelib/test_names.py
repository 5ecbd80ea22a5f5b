from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import names

PART = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=63)
RUN = "0123456789abcdef-2"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (names.attempt("abc", 1), "abc"),
        (names.attempt("abc", 3), "abc-3"),
        (names.retraining("abc-2", date(2026, 1, 31)), "abc-r20260131"),
        (names.execution("shop", "abc"), "shop-abc"),
        (names.solution("shop", "for-you"), "shop-for-you"),
        (names.import_job("action_interactions", "abc"), "action-interactions-abc"),
        (names.batch_job("for-you", "abc"), "for-you-batch-abc"),
    ],
)
def test_short_names_stay_readable(name: str, expected: str) -> None:
    assert name == expected


def test_two_solutions_that_begin_alike_never_share_a_job() -> None:
    """`solution.name[:20]` once made them share one batch job, and one got the other's answers."""
    one, other = "recommendations-for-the-home-page", "recommendations-for-the-home-screen"
    assert names.batch_job(one, RUN) != names.batch_job(other, RUN)
    assert names.solution_version(one * 2, RUN) != names.solution_version(other * 2, RUN)


@given(PART, PART, PART)
def test_whatever_the_parts_a_name_fits_and_keeps_its_run(
    group: str, thing: str, text: str
) -> None:
    for name in (
        names.schema(group, "interactions", "{}"),
        names.dataset(group, "action_interactions"),
        names.event_tracker(group),
        names.filter_(group, thing, text),
        names.solution_version(thing, RUN),
        names.import_job("action_interactions", RUN),
        names.batch_job(thing, RUN),
        names.scoring_job("candidate", thing, RUN, "arn:version"),
    ):
        assert len(name) <= names.MAX_RESOURCE
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", name)
    assert names.solution_version(thing, RUN).endswith(RUN)
    assert names.batch_job(thing, RUN).endswith(RUN)
    assert len(names.execution(group, RUN)) <= names.MAX_EXECUTION


@given(st.lists(PART, min_size=2, max_size=2, unique=True), PART)
def test_different_heads_give_different_names(heads: list[str], tail: str) -> None:
    limit = len(tail) + 20
    first, second = (names.fit(head, f"#{tail}", limit) for head in heads)
    assert first != second


def test_a_schema_is_named_by_what_it_says_and_not_by_how_it_is_written() -> None:
    written, again = '{"a": 1, "b": 2}', '{"b":2,"a":1}'
    assert names.schema("g", "items", written) == names.schema("g", "items", again)
    assert names.schema("g", "items", written) != names.schema("g", "items", '{"a": 1}')


def test_a_live_version_that_changed_between_two_attempts_gets_a_job_of_its_own() -> None:
    asked = [names.scoring_job("live", "for-you", RUN, version) for version in ("v1", "v2")]
    assert len(set(asked)) == 2
