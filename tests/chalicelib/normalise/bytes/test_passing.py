from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.normalise.bytes.passing import copy_lines, split_lines

HEADER = b"NEW\n"


@pytest.mark.parametrize("end", ["", "\n"])
def test_lines_are_copied_below_the_new_header_and_the_last_one_is_ended(
    tmp_path: Path, end: str
) -> None:
    source, part = tmp_path / "source", tmp_path / "part"
    source.write_text("\nold\na\nb" + end)
    copy_lines(source, 2, HEADER, part)
    assert part.read_text() == "NEW\na\nb\n"


def test_a_file_of_a_header_alone_stays_one(tmp_path: Path) -> None:
    source, part = tmp_path / "source", tmp_path / "part"
    source.write_text("old")
    copy_lines(source, 1, HEADER, part)
    assert part.read_text() == "NEW\n"


@pytest.mark.parametrize("aside", [[], [0], [4], [1, 2], [0, 1, 2, 3, 4]])
def test_lines_go_to_one_file_or_the_other_in_their_order(tmp_path: Path, aside: list[int]) -> None:
    source, part, sampled = tmp_path / "source", tmp_path / "part", tmp_path / "sampled"
    source.write_text("old\n0\n1\n2\n3\n4")
    assert split_lines(source, 1, HEADER, iter(aside), part, sampled) == len(aside)
    assert sampled.read_text().split() == ["NEW", *map(str, aside)]
    assert part.read_text().split() == ["NEW", *(str(n) for n in range(5) if n not in aside)]


def test_line_numbers_go_on_over_the_megabytes(tmp_path: Path) -> None:
    source, part, sampled = tmp_path / "source", tmp_path / "part", tmp_path / "sampled"
    lines = [f"{n:09d}" for n in range(250_000)]
    source.write_text("old\n" + "\n".join(lines) + "\n")
    wanted = [5, 120_000, 249_999]
    split_lines(source, 1, HEADER, iter(wanted), part, sampled)
    assert sampled.read_text().split()[1:] == [lines[n] for n in wanted]
    assert len(part.read_text().split()) == 250_000 - 3 + 1
