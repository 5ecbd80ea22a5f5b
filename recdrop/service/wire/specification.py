"""A service as botocore's models specify it: what requests and answers are held against."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape, StructureShape


@dataclass(frozen=True)
class Operation:
    """One operation. `path` is None for those of json-1.1, which a header names.

    `errors` are the HTTP statuses of the errors that the operation models, by code.
    """

    service: str
    name: str
    path: str | None
    input: StructureShape
    output: StructureShape | None
    errors: Mapping[str, int]

    @property
    def verb(self) -> str:
        """`Create` of CreateCampaign."""
        return re.split("(?<=[a-z])(?=[A-Z])", self.name, maxsplit=1)[0]

    @property
    def noun(self) -> str:
        """`Campaign` of CreateCampaign."""
        return self.name.removeprefix(self.verb)


@dataclass(frozen=True)
class Specification:
    """A service: one or several of botocore's models behind one port.

    name           what requests are signed for, such as `personalize`
    models         botocore's names of the models; their operations have different names
    target_prefix  what stands before the operation in the `X-Amz-Target` of json-1.1
    """

    name: str
    models: tuple[str, ...]
    target_prefix: str

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """Every operation by its name."""
        return {operation.name: operation for model in self.models for operation in _read(model)}

    @cached_property
    def by_path(self) -> Mapping[str, Operation]:
        """The operations of rest-json by their path."""
        return {
            operation.path: operation for operation in self.operations.values() if operation.path
        }

    def find(self, target: str | None, method: str, path: str) -> Operation | None:
        """The operation that a request is for, or None when it is not for this service."""
        if not target:
            return self.by_path.get(path) if method == "POST" else None
        if not target.startswith(self.target_prefix):
            return None
        return self.operations.get(target.removeprefix(self.target_prefix))


@cache
def service_model(name: str) -> ServiceModel:
    """Botocore's model of that name."""
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def member_of_kind(shape: StructureShape, type_name: str) -> tuple[str, Shape]:
    """The one member of `shape` that is a list (or a structure): how answers wrap what they carry."""
    return next(
        (name, member) for name, member in shape.members.items() if member.type_name == type_name
    )


def _read(name: str) -> Iterator[Operation]:
    model = service_model(name)
    is_rest = model.metadata["protocol"] == "rest-json"
    for operation_name in model.operation_names:
        operation = model.operation_model(operation_name)
        yield Operation(
            service=name,
            name=operation_name,
            path=operation.http["requestUri"] if is_rest else None,
            input=_structure(operation),
            output=operation.output_shape,
            errors=_error_statuses(operation),
        )


def _structure(operation: OperationModel) -> StructureShape:
    shape = operation.input_shape
    if shape is None:
        raise LookupError(f"{operation.name} has no input shape in botocore's model.")
    return shape


def _error_statuses(operation: OperationModel) -> dict[str, int]:
    return {
        shape.name: int(shape.metadata.get("error", {}).get("httpStatusCode", 400))
        for shape in operation.error_shapes
    }
