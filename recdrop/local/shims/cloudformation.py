"""CloudFormation: faster templates, names that last."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from recdrop.local import template


def parse_templates_as_json() -> None:
    """JSON templates are read with pure-Python YAML: a second for what takes a millisecond."""
    from moto.cloudformation.models import Stack

    original = Stack.parse_template

    def parse_template(template: str) -> Any:
        return json.loads(template) if template.lstrip().startswith("{") else original(template)

    Stack.parse_template = staticmethod(parse_template)


def name_resources_by_logical_id() -> None:
    """A random suffix names a bucket anew whenever a function is added to the template.

    Data that is kept over a restart would lose its home.
    """
    from moto.cloudformation import parsing

    original = parsing.generate_resource_name

    def generate_resource_name(resource_type: str, stack_name: str, logical_id: str) -> str:
        before = parsing.random_suffix
        suffix = hashlib.sha256(f"{stack_name}/{logical_id}".encode()).hexdigest()[:12].upper()
        parsing.random_suffix = lambda: suffix
        try:
            return str(original(resource_type, stack_name, logical_id))
        finally:
            parsing.random_suffix = before

    parsing.generate_resource_name = generate_resource_name


def translate_serverless_templates() -> None:
    """A change set with the SAM transform is refused, or makes nothing: moto knows no transform.

    What moto has no model for is left out, as in the stack's own template.
    """
    from moto.cloudformation.models import CloudFormationBackend

    original = CloudFormationBackend.create_change_set

    def create_change_set(self: Any, **given: Any) -> Any:
        return original(self, **{**given, "template": translated(given["template"])})

    CloudFormationBackend.create_change_set = create_change_set


def translated(text: str) -> str:
    """The text of a template, without its SAM transform."""
    document = json.loads(text) if text.lstrip().startswith("{") else {}
    if document.get("Transform") != "AWS::Serverless-2016-10-31":
        return text
    return json.dumps(template.serve(document))


def finish_change_sets() -> None:
    """A stack made by a change set has no outputs, and forgets the parameters it was made with."""
    from moto.cloudformation.models import ChangeSet

    original = ChangeSet.apply

    def apply(self: Any) -> None:
        original(self)
        self.stack.template = self.template
        self.stack._parse_template()
        self.stack.parameters = dict(self.stack.resource_map.resolved_parameters)
        self.stack.output_map = self.stack._create_output_map()

    ChangeSet.apply = apply


def keep_what_cannot_be_updated() -> None:
    """A resource that moto cannot update is lost to its stack by an update that changes it."""
    from moto.cloudformation import parsing

    original = parsing.parse_and_update_resource

    def parse_and_update_resource(logical: str, resource: Any, resources: Any, **where: Any) -> Any:
        updated = original(logical, resource, resources, **where)
        return resources[logical] if updated is None else updated

    parsing.parse_and_update_resource = parse_and_update_resource
