"""Step Functions around the interpreter: machines, starts, errors, definitions."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import Any

from recdrop.local.shims.times import utc_text


def create_state_machines_that_execute() -> None:
    """CloudFormation and the API make state machines in a back-end that only pretends to run them."""
    import moto.stepfunctions.models as models
    from moto.core.config import default_user_config
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    models.stepfunctions_backends = stepfunctions_parser_backends
    default_user_config["stepfunctions"] = {"execute_state_machine": True}


def name_step_functions_errors() -> None:
    """The interpreter's refusals (InvalidDefinition, ...) reach clients with an empty code."""
    from moto.core.exceptions import AWSError
    from moto.stepfunctions.parser import api

    for value in list(vars(api).values()):
        if (
            isinstance(value, type)
            and issubclass(value, AWSError)
            and isinstance(vars(value).get("code"), str)
        ):
            setattr(value, "TYPE", vars(value)["code"])  # noqa: B010  mypy sees a bare type


def name_executions() -> None:
    """A start without a name is named `None`, so the second one clashes.

    Given names are validated here too, which moto forgets.
    """
    from moto.stepfunctions.parser.models import StepFunctionsParserBackend as Backend

    original = Backend.start_execution

    def start_execution(
        backend: Any,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        **more: Any,
    ) -> Any:
        name = name or str(uuid.uuid4())
        backend._validate_name(name)
        return original(backend, state_machine_arn, name, execution_input, **more)

    Backend.start_execution = start_execution


def write_times_as_text() -> None:
    """A datetime in the state data (`$$.Execution.StartTime`) makes DescribeExecution answer 500."""
    from moto.stepfunctions.parser.backend.execution import Execution

    original = Execution.get_start_execution_details

    def get_start_execution_details(execution: Any) -> Any:
        details = original(execution)
        details.start_time = utc_text(execution.start_date)
        return details

    Execution.get_start_execution_details = get_start_execution_details


def parse_definitions_once() -> None:
    """Each start parses the definition anew with ANTLR: 0.2 s for the pipeline.

    Runs can share a parsed program, since it keeps no state of a run.
    """
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

    AmazonStateLanguageParser.parse = staticmethod(
        lru_cache(maxsize=32)(AmazonStateLanguageParser.parse)
    )
