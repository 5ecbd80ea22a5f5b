"""`make rehearse`: the package through a CloudFormation on this machine, from making to taking down.

The template that is rehearsed is the one that deploys: packaged, uploaded, translated from SAM,
through the same change sets. Afterwards every property is listed that the local CloudFormation did
not look at, because only AWS can say whether it is right. A property that is looked at is not
proven either: moto checks fewer values than AWS does.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from infrastructure import package, teardown
from infrastructure.deploy import deploy
from infrastructure.stacks import Stack, stack_name
from recdrop.local.aws.identity import REGION
from recdrop.local.stack import Stack as LocalAws
from recdrop.local.template import translate

STAGE = "rehearsal"
POLL_SECONDS = 0.05
Say = Callable[[str], None]


@click.command()
def main() -> None:
    """Make, change, make again and take down a stage on this machine; list what was not checked."""
    with LocalAws(package.PROJECT) as aws:
        unread = rehearse(aws, package.build(), click.echo)
    total = sum(len(names) for names in unread.values())
    click.echo(f"\nNot checked here, {total} properties of {len(unread)} resource types:")
    for kind, names in unread.items():
        click.echo(f"  {kind}: {', '.join(names)}")


class RehearsalError(click.ClickException):
    """A step did not end as it would at AWS; the message says which."""


def rehearse(aws: LocalAws, template: Path, say: Say) -> Mapping[str, list[str]]:
    """All steps; the properties that none of them looked at, by resource type.

    Raises:
        RehearsalError: a step did not end as it should.
    """
    stack = Stack(stack_name(STAGE), aws.boto_client, poll_seconds=0)
    with tempfile.TemporaryDirectory() as folder, recording() as read:
        changed = change_code(template, Path(folder))
        step(say, "made", deploy(stack, template, REGION, {}), expected=True)
        before = stack.outputs()
        parameters = {"LogRetentionDays": "7", "DeadLetterThreshold": "5"}
        step(say, "changed", deploy(stack, changed, REGION, parameters), expected=True)
        step(say, "deployed again", deploy(stack, changed, REGION, {}), expected=False)
        if stack.outputs() != before:
            raise RehearsalError(
                f"The update replaced something: {before} became {stack.outputs()}."
            )
        step(say, "deployed as at first", deploy(stack, template, REGION, {}), expected=True)
    found = teardown.survey(stack)
    teardown.take_down(found, stack, lambda line: say(f"  {line}"), quickly)
    if stack.describe() is not None:
        raise RehearsalError(f"Stack {stack.name!r} is still there.")
    say("taken down")
    return not_read(package_resources(template), read)


def step(say: Say, what: str, changed: bool, expected: bool) -> None:
    """Say how a deployment ended.

    Raises:
        RehearsalError: it changed something, and should not have, or the other way round.
    """
    ended = "changed the stack" if changed else "found nothing to change"
    if changed != expected:
        raise RehearsalError(f"Step {what!r} {ended}. Expected the opposite.")
    say(f"{what}: {ended}")


def change_code(template: Path, folder: Path) -> Path:
    """A copy of the package with other code, as the next release has it."""
    copy = folder / "package"
    shutil.copytree(template.parent, copy)
    with zipfile.ZipFile(copy / "deployment.zip", "a") as code:
        code.comment = b"the next release"
    return copy / template.name


def quickly(_seconds: float) -> None:
    """The pause between two looks: nothing here takes minutes."""
    time.sleep(POLL_SECONDS)


class Properties(dict[str, Any]):
    """A resource's properties, which note in `read` that somebody looked at them."""

    def __init__(self, properties: Mapping[str, Any], read: set[str]) -> None:
        super().__init__(properties)
        self.read = read

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        self.read.update(super().keys())
        return super().__iter__()

    def items(self) -> Any:
        self.read.update(super().keys())
        return super().items()

    def copy(self) -> Any:
        return self


@contextmanager
def recording() -> Iterator[dict[str, set[str]]]:
    """The properties that moto's CloudFormation looks at meanwhile, by resource type."""
    from moto.cloudformation import parsing

    original = parsing.parse_resource
    read: dict[str, set[str]] = {}

    def parse_resource(resource: Any, resources: Any) -> Any:
        found = original(resource, resources)
        if found is None:
            return None
        made, cleaned, kind = found
        properties = Properties(cleaned["Properties"], read.setdefault(kind, set()))
        return made, {**cleaned, "Properties": properties}, kind

    parsing.parse_resource = parse_resource
    try:
        yield read
    finally:
        parsing.parse_resource = original


def package_resources(template: Path) -> dict[str, Any]:
    """The resources of the package as CloudFormation sees them."""
    sam = json.loads(template.read_text())
    for resource in sam["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://bucket/key"
    resources: dict[str, Any] = translate(sam)["Resources"]
    return resources


def not_read(resources: Mapping[str, Any], read: Mapping[str, set[str]]) -> Mapping[str, list[str]]:
    """The properties of the template that nobody looked at, by resource type."""
    unread: dict[str, set[str]] = {}
    for resource in resources.values():
        kind = resource["Type"]
        names = resource.get("Properties", {}).keys() - read.get(kind, set())
        if names:
            unread.setdefault(kind, set()).update(names)
    return {kind: sorted(unread[kind]) for kind in sorted(unread)}


if __name__ == "__main__":
    main()
