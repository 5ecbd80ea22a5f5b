"""Tables and bars of a page as HTML text, with all that a reader sees escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

LABEL_WIDTH, BAR_WIDTH, VALUE_WIDTH, ROW_HEIGHT = 300, 560, 70, 22


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first cell of a row is its head, for who hears the table instead of seeing it."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(_row(first, others) for first, *others in rows)
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row(head: str, cells: Sequence[str]) -> str:
    others = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(head)}</th>{others}</tr>'


def chart(title: str, rows: Sequence[tuple[str, str, float, float]]) -> str:
    """Horizontal bars: label, value as text, start and length as shares of the width."""
    bars = "".join(_bar(place * ROW_HEIGHT, *row) for place, row in enumerate(rows))
    width, height = LABEL_WIDTH + BAR_WIDTH + VALUE_WIDTH, ROW_HEIGHT * len(rows)
    return (
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {width} {height}">{bars}</svg>'
    )


def _bar(top: int, label: str, value: str, start: float, length: float) -> str:
    left, width = LABEL_WIDTH + start * BAR_WIDTH, max(length * BAR_WIDTH, 1)
    behind = LABEL_WIDTH + min(start + length, 1) * BAR_WIDTH + 6
    return (
        f'<text x="0" y="{top + 15}">{escape(label)}</text>'
        f'<rect x="{left:.1f}" y="{top + 4}" width="{width:.1f}" height="14">'
        f"<title>{escape(label)}: {escape(value)}</title></rect>"
        f'<text x="{behind:.1f}" y="{top + 15}">{escape(value)}</text>'
    )


def details(summary: str, body: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"
