"""Imports moto without the services this stack never serves.

moto's CloudFormation and its Step Functions interpreter import some thirty services to register
their resource types; EC2 alone reads 30 MB of JSON about machine images. `install()` puts empty
stand-ins in their place before the first import of moto: start-up is 1.5 s shorter, and packages
that only those services need (an OpenAPI validator) may be absent. A request for such a service is
answered with 501 by `recdrop.local.aws.motoserver`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from types import ModuleType
from typing import Any

UNSERVED = (
    "moto.apigateway",
    "moto.autoscaling",
    "moto.batch",
    "moto.datapipeline",
    "moto.ec2",
    "moto.ecr",
    "moto.ecs",
    "moto.efs",
    "moto.elb",
    "moto.elbv2",
    "moto.emr",
    "moto.iot",
    "moto.rds",
    "moto.redshift",
    "moto.route53",
    "moto.sagemaker",
)


class StandInType(type):
    """The class of the stand-in classes, whose attributes are stand-ins too: members of an enum, say."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandInType(name, (), {})


class StandIn(ModuleType):
    """A module whose every public name is an empty class.

    That is good enough to be imported, subclassed and compared with.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = StandInType(name, (), {"__doc__": f"Stand-in for {self.__name__}.{name}."})
        setattr(self, name, value)
        return value


class StandInFinder(MetaPathFinder, Loader):
    """Finds the stand-ins, before Python's own finders see the names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        return spec_from_loader(fullname, self, is_package=True) if is_unserved(fullname) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: the names appear when they are asked for."""


def is_unserved(module: str) -> bool:
    """Whether the module belongs to a service this stack does not serve."""
    return any(module == name or module.startswith(f"{name}.") for name in UNSERVED)


def install() -> None:
    """Put the stand-ins in place. A service that is imported already stays as it is."""
    if any(isinstance(finder, StandInFinder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, StandInFinder())
    if find_spec("openapi_spec_validator") is None:
        sys.modules["openapi_spec_validator"] = StandIn("openapi_spec_validator")
