"""`recdrop up` hands the options of the local Personalize on."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from recdrop.local.aws.identity import ACCOUNT as STACK_ACCOUNT
from recdrop.personalize.options import personalize_options, server_options
from recdrop.personalize.server import ACCOUNT, PersonalizeServer


def read(arguments: list[str], data_dir: Path) -> PersonalizeServer:
    """The server that a command line asks for."""
    made = []

    @click.command()
    @personalize_options
    def command(**personalize: object) -> None:
        options = server_options(**personalize)  # type: ignore[arg-type]
        made.append(PersonalizeServer(data_dir, s3_endpoint=None, threads=False, **options))

    result = CliRunner().invoke(command, arguments)
    if result.exception:
        raise AssertionError(result.output)
    return made[0]


def test_up_knows_every_option_of_personalize() -> None:
    from recdrop.cli import up

    names = {parameter.name for parameter in up.command.params}
    assert {"latency", "speed", "quotas", "training_seconds", "faults", "strict"} <= names


def test_options_become_a_server(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('[{"operation": "CreateSchema", "fault": "throttle"}]')
    arguments = ["--latency", "realistic", "--quota", "schemas=3", "--faults", str(plan)]
    read([*arguments, "--speed", "10"], tmp_path / "data").close()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--quota", "no_such=1"], "no_such"),
        (["--quota", "schemas=many"], "many"),
        (["--speed", "0"], "Expected a number above 0"),
    ],
)
def test_what_is_no_option_is_refused_with_what_was_expected(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    with pytest.raises(AssertionError, match=told):
        read(arguments, tmp_path)


def test_the_service_alone_has_the_account_of_the_stack() -> None:
    assert ACCOUNT == STACK_ACCOUNT == "123456789012"
