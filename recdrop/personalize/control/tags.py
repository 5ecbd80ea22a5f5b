"""Tags: most kinds of resource can have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from recdrop.personalize.control.world import World
from recdrop.personalize.errors import (
    InvalidInputError,
    NotFoundError,
    TooManyTagKeysError,
    TooManyTagsError,
)
from recdrop.personalize.specification import PERSONALIZE
from recdrop.service.resources.store import Resource
from recdrop.service.resources.world import Doc, Request


def list_tags(world: World, request: Request) -> Doc:
    """ListTagsForResource: by key."""
    resource = _taggable(world, request["resourceArn"])
    return {
        "tags": [{"tagKey": key, "tagValue": value} for key, value in sorted(resource.tags.items())]
    }


def tag(world: World, request: Request) -> Doc:
    """TagResource: adds tags, or gives them new values."""
    resource = _taggable(world, request["resourceArn"])
    tags = checked_tags(world, resource.tags, request["tags"])
    world.tx.put(replace(resource, tags=tags))
    return {}


def untag(world: World, request: Request) -> Doc:
    """UntagResource; keys that are not there are nothing."""
    keys = request["tagKeys"]
    resource = _taggable(world, request["resourceArn"])
    most = world.settings.quotas["tags_per_resource"]
    if len(keys) > most:
        raise TooManyTagKeysError(f"{len(keys)} tag keys were given. Expected at most {most}.")
    kept = {key: value for key, value in resource.tags.items() if key not in keys}
    world.tx.put(replace(resource, tags=kept))
    return {}


def _taggable(world: World, arn: str) -> Resource:
    resource = world.tx.get(arn)
    if resource is None:
        raise NotFoundError.of(arn)
    if "tags" not in PERSONALIZE.operations[f"Create{resource.kind}"].input.members:
        raise InvalidInputError(f"A {resource.kind} cannot have tags: {arn}.")
    return resource


def checked_tags(world: World, present: Mapping[str, str], new: Any) -> dict[str, str]:
    """The tags that a resource has when `new` are added to those `present`.

    Raises:
        InvalidInputError: a key is given twice, or reserved.
        TooManyTagsError: there would be more than a resource may have.
    """
    names = [tag["tagKey"] for tag in new]
    if len(set(names)) != len(names):
        raise InvalidInputError(f"A tag key is given twice: {sorted(names)}.")
    reserved = [name for name in names if name.lower().startswith("aws:")]
    if reserved:
        raise InvalidInputError(f"Tag key {reserved[0]!r} starts with 'aws:', which is reserved.")
    tags = {**present, **{tag["tagKey"]: tag["tagValue"] for tag in new}}
    most = world.settings.quotas["tags_per_resource"]
    if len(tags) > most:
        raise TooManyTagsError(
            f"The resource would have {len(tags)} tags. Expected at most {most}."
        )
    return tags


TAG_OPERATIONS = {"ListTagsForResource": list_tags, "TagResource": tag, "UntagResource": untag}
