"""What batch inference and batch segments share: files of JSON lines in, files with `.out` out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recdrop.personalize.work.objects import Objects
from recdrop.service.errors import JobFailed


class LineError(ValueError):
    """This line has no answer; its text becomes the `error` of the output line."""


CHECK = "_CHECK"  # Seen: an object of this name in the output folder
OUT = ".out"


def answer_lines(
    spec: Mapping[str, Any],
    folder: Path,
    answer: Callable[[Mapping[str, Any]], Mapping[str, Any]],
) -> int:
    """Answers every line of every input file into `<input>.out` below the destination.

    Before that it writes an empty object there, to know that it may. Returns the number of lines.

    Raises:
        JobFailed: S3 does not give or take the files, or there are too many lines.
    """
    objects = Objects(spec, spec.get("role"))
    objects.put(b"", f"{spec['destination']}{CHECK}")
    # Seen: input and output in one place, where the output's key begins as the input's does.
    files = objects.fetch(
        spec["source"], folder / "input", what="Invalid S3 input path", leave=(OUT, CHECK)
    )
    count = 0
    for file in files:
        name = file.name
        written = file.with_name(f"{name}{OUT}")
        with file.open(encoding="utf-8-sig") as lines, written.open("w") as output:
            for line in filter(str.strip, lines):
                output.write(json.dumps(_answered(line, answer)) + "\n")
                count += 1
                _check_queries(spec, count)
        objects.upload(written, f"{spec['destination']}{name}{OUT}")
    return count


def _check_queries(spec: Mapping[str, Any], count: int) -> None:
    most = spec.get("queries")
    if most is not None and count > most:
        raise JobFailed(
            f"The input has more than {most} queries. Expected at most {most} for this recipe."
        )


def _answered(
    line: str, answer: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> dict[str, Any]:
    try:
        question = json.loads(line)
    except ValueError:
        return {"input": line.strip(), "output": None, "error": "The line is not JSON."}
    if not isinstance(question, dict):
        return {"input": question, "output": None, "error": "The line is not a JSON object."}
    try:
        return {"input": question, "output": answer(question), "error": None}
    except LineError as error:
        return {"input": question, "output": None, "error": str(error)}


def text_member(question: Mapping[str, Any], name: str) -> str:
    value = question.get(name)
    if not isinstance(value, str) or not value:
        raise LineError(f"{name} is {value!r}. Expected a text of 1 to 256 characters.")
    return value
