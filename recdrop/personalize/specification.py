"""The three botocore service models: the specification that requests and answers are held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

SERVICES = ("personalize", "personalize-runtime", "personalize-events")


@dataclass(frozen=True)
class Operation:
    """One of the 79 operations. `path` is None for those of the json-1.1 control plane."""

    service: str
    name: str
    path: str | None
    input: StructureShape
    output: StructureShape | None
    errors: Mapping[str, int]

    @property
    def verb(self) -> str:
        return next(verb for verb in _VERBS if self.name.startswith(verb))

    @property
    def noun(self) -> str:
        return self.name.removeprefix(self.verb)


_VERBS = (
    "Create",
    "Describe",
    "List",
    "Update",
    "Delete",
    "Start",
    "Stop",
    "Get",
    "Put",
    "Tag",
    "Untag",
)


@cache
def service_model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


@cache
def operations() -> Mapping[str, Operation]:
    """Every operation by its name; names are unique over the three services."""
    return {operation.name: operation for service in SERVICES for operation in _read(service)}


@cache
def operations_by_path() -> Mapping[str, Operation]:
    return {operation.path: operation for operation in operations().values() if operation.path}


def member_of_kind(shape: StructureShape, type_name: str) -> tuple[str, Shape]:
    """The one member of `shape` that is a list (or a structure): how answers wrap what they carry."""
    return next(
        (name, member) for name, member in shape.members.items() if member.type_name == type_name
    )


def _read(service: str) -> Iterator[Operation]:
    model = service_model(service)
    rest = model.metadata["protocol"] == "rest-json"
    for name in model.operation_names:
        operation = model.operation_model(name)
        yield Operation(
            service=service,
            name=name,
            path=operation.http["requestUri"] if rest else None,
            input=_structure(operation.input_shape),
            output=operation.output_shape,
            errors=_error_statuses(operation),
        )


def _structure(shape: StructureShape | None) -> StructureShape:
    if shape is None:
        raise LookupError(
            "Every Personalize operation has an input shape; this botocore model has one without."
        )
    return shape


def _error_statuses(operation: OperationModel) -> dict[str, int]:
    return {
        shape.name: int(shape.metadata.get("error", {}).get("httpStatusCode", 400))
        for shape in operation.error_shapes
    }
