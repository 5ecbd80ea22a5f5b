from __future__ import annotations

from dataclasses import asdict

import pytest

from chalicelib.normalise.bytes.traits import EDGE, Traits


def seen(text: str) -> set[str]:
    traits = Traits()
    traits.observe(text.encode(), b"")
    return {trait for trait, value in asdict(traits).items() if value is True}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("u1,i1,1700000000\n", set()),
        ('"u1"', {"quotes"}),
        ("a|b", {"pipes"}),
        ("a b", {"blanks"}),
        ("a\tb", {"tabs"}),
        ("[1", {"brackets"}),
        ("a\x07", {"controls"}),
        ("a\x7f", {"controls"}),
        ("é", {"non_ascii"}),
        ("NULL", {"nulls"}),
        ("null", {"nulls"}),
        (r"\N", {"backslashes", "nulls"}),
        ("Null", set()),
    ],
)
def test_what_is_there_is_noted_and_nothing_else(text: str, found: set[str]) -> None:
    assert seen(text) == found


def test_what_was_seen_once_stays_seen_and_lines_add_up() -> None:
    traits = Traits()
    for chunk in (b'"a"\n', b"b\nc\n"):
        traits.observe(chunk, b"")
    assert (traits.quotes, traits.lines) == (True, 3)


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_word_that_is_cut_between_two_chunks_is_found(cut: int) -> None:
    text = b"xxxNULLxxx"
    first, second = text[: 3 + cut], text[3 + cut :]
    traits = Traits()
    traits.observe(first, b"")
    assert not traits.nulls
    traits.observe(second, first[-EDGE:])
    assert traits.nulls


def test_of_an_unknown_file_everything_must_be_expected() -> None:
    assert {v for k, v in asdict(Traits.unknown()).items() if k != "lines"} == {True}
