"""CloudFormation: faster templates, names that last."""

from __future__ import annotations

import hashlib
import json
from typing import Any


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
