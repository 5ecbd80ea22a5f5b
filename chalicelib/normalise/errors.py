"""The two ways to refuse data. Both messages are shown to the user as they are."""

from __future__ import annotations


class DataRejected(ValueError):
    """Base: `code` is stable and short, the message says value and expectation."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class FileRejected(DataRejected):
    """One file cannot be used; `line` or `byte` in the message where known."""


class SetRejected(DataRejected):
    """The export as a whole cannot be used."""


class SetHeld(SetRejected):
    """The export could be used, but would lose data; somebody may accept that."""
