"""Lambda's CreateFunction: what could not run is refused when it is made."""

from __future__ import annotations

from typing import Any


def refuse_functions_that_cannot_run() -> None:
    """CreateFunction takes any runtime, and the invocation fails: here the creation does."""
    from moto.awslambda.exceptions import InvalidParameterValueException
    from moto.awslambda.models import LambdaBackend

    original = LambdaBackend.create_function

    def create_function(backend: Any, spec: dict[str, Any]) -> Any:
        kind, runtime = spec.get("PackageType", "Zip"), str(spec.get("Runtime"))
        if kind != "Zip" or not runtime.startswith("python3"):
            said = f"PackageType {kind}" if kind != "Zip" else f"Runtime {runtime}"
            raise InvalidParameterValueException(
                f"{said} cannot run on the local stack. Expected a zip with a python3 runtime."
            )
        return original(backend, spec)

    LambdaBackend.create_function = create_function
