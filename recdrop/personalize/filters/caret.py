"""Point at a place in a one-field text, the way compilers do."""

from __future__ import annotations

WINDOW = 60


def point(text: str, column: int) -> str:
    """The part of `text` around the 1-based `column`, and under it a caret.

    Line breaks count as one column.
    """
    # Otherwise a line break in the text would part it from its caret.
    flat = "".join(" " if character.isspace() else character for character in text)
    start = max(0, column - 1 - WINDOW)
    end = column - 1 + WINDOW
    before = "..." if start else ""
    after = "..." if end < len(flat) else ""
    return f"{before}{flat[start:end]}{after}\n{' ' * (len(before) + column - 1 - start)}^"
