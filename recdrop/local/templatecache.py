"""Remembers the translated template of a project, which takes a third of the start-up to make.

The key is a hash of everything the template is made from: the sources, the configuration, the merge
template, the state machines, this translator and the versions of Chalice and the SAM translator. A
changed comment misses the cache; that costs a second, not correctness.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recdrop.local.events.sources import EventSource
from recdrop.local.gateway.routes import RestApi
from recdrop.local.template import LocalTemplate, Subscription, build
from recdrop.project import scratch

FOLDER = "templates"
SUFFIXES = {".py", ".json", ".yaml"}
SOURCES = ("app.py", "chalicelib", ".chalice", "infrastructure", "statemachines")
TRANSLATORS = ("chalice", "aws-sam-translator")
MODULES = ("template.py", "statemachine.py")  # of recdrop itself


def cached(project: Path, merge: Path | None, stage: str | None, name: str) -> LocalTemplate:
    """The template, from the cache or built and put there."""
    path = scratch(project) / FOLDER / f"{fingerprint(project, merge, stage, name)}.json"
    try:
        return load(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):  # not there, damaged, or of another version
        template = build(project, merge, stage, name)
    # A folder that cannot be written costs a second at each start, no more.
    with contextlib.suppress(OSError):
        keep(template, path)
    return template


def keep(template: LocalTemplate, path: Path) -> None:
    """Write the template, the only one of its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob("*.json"):
        old.unlink(missing_ok=True)
    # Replaced in one step: another stack that starts at the same time must not read half of it.
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(dataclasses.asdict(template)))
    temporary.replace(path)


def fingerprint(project: Path, merge: Path | None, stage: str | None, name: str) -> str:
    """The hash of what the template is made from."""
    versions = [importlib.metadata.version(package) for package in TRANSLATORS]
    digest = hashlib.sha256(repr((stage, name, versions)).encode())
    ours = [Path(__file__).with_name(module) for module in MODULES]
    for path in [*source_files(project), *([merge] if merge else []), *ours]:
        digest.update(str(path).encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()[:32]


def source_files(project: Path) -> Iterator[Path]:
    """The files of the project that shape its template, in order."""
    for source in SOURCES:
        path = project / source
        if path.is_file():
            yield path
        else:
            yield from sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file())


def load(data: dict[str, Any]) -> LocalTemplate:
    """A template from its JSON."""
    api = data["api"]
    return LocalTemplate(
        body=data["body"],
        event_sources=tuple(EventSource(**source) for source in data["event_sources"]),
        subscriptions=tuple(Subscription(**subscription) for subscription in data["subscriptions"]),
        notifying_buckets=tuple(data["notifying_buckets"]),
        policies=data["policies"],
        api=RestApi(**{**api, "binary_types": tuple(api["binary_types"])}) if api else None,
        cut=data["cut"],
    )
