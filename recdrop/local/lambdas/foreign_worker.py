"""Runs one function of a zip in a process of its own; imports nothing of ours.

    python -I foreign_worker.py ANSWERS

An event comes as a line of JSON on the standard input, `{"handler", "paths", "event", "context"}`,
and its answer goes as a line to the file descriptor ANSWERS: `{"result"}` or `{"error", "trace"}`.
What the function prints goes to the standard output, as it would to its log.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback


class Context:
    """What a handler gets as its context."""

    def __init__(self, told: dict) -> None:  # type: ignore[type-arg]
        self.__dict__.update(told["members"])
        self._deadline = time.monotonic() + told["seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the time limit."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def answer(order: dict) -> dict:  # type: ignore[type-arg]
    """The result of the handler, or what it raised."""
    try:
        for path in reversed(order["paths"]):
            if path not in sys.path:
                sys.path.insert(0, path)
        module, _, name = order["handler"].rpartition(".")
        handler = getattr(importlib.import_module(module.replace("/", ".")), name)
        result = handler(order["event"], Context(order["context"]))
        return {"result": json.loads(json.dumps(result))}
    except BaseException as error:  # noqa: BLE001 - the Lambda runtime catches everything, and so does this
        trace = traceback.format_tb(error.__traceback__)[1:]
        return {"error": str(error), "kind": type(error).__name__, "trace": trace}


def main() -> None:
    """Answers until the input ends."""
    answers = os.fdopen(int(sys.argv[1]), "w")
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
        answers.flush()


if __name__ == "__main__":
    main()
