"""The options that say which recdrop a verb works on, and what is said when AWS refuses."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from recdrop import project
from recdrop.cli.common import UNREACHABLE, UNREADABLE, CliError, endpoint_option, find_endpoint
from recdrop.cli.deployed import Deployed
from recdrop.cli.here import Here
from recdrop.cli.target import Target

if TYPE_CHECKING:
    from chalicelib.errors import AwsError

F = TypeVar("F", bound=Callable[..., Any])
PERMISSIONS = "infrastructure/operator-policy.json lists what recdrop needs."
LOG_IN = "Log in (`aws sso login`), set AWS_PROFILE, or set new keys."

timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    help="Seconds to wait. [default: 900 here, six hours at AWS]",
)


@dataclass(frozen=True)
class Refusal:
    """What is said of some of AWS's and botocore's error codes."""

    codes: frozenset[str]
    message: str
    hint: str
    exit_code: int = UNREACHABLE


REFUSALS = (
    Refusal(
        frozenset({"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}),
        "There are no AWS credentials to work with.",
        LOG_IN,
    ),
    Refusal(
        frozenset(
            {
                "ExpiredToken",
                "ExpiredTokenException",
                "RequestExpired",
                "SSOTokenLoadError",
                "TokenRetrievalError",
                "UnauthorizedSSOTokenError",
            }
        ),
        "The AWS credentials have expired.",
        LOG_IN,
    ),
    Refusal(
        frozenset(
            {
                "AuthFailure",
                "InvalidAccessKeyId",
                "InvalidClientTokenId",
                "SignatureDoesNotMatch",
                "UnrecognizedClientException",
            }
        ),
        "AWS does not know these credentials.",
        LOG_IN,
    ),
    Refusal(
        frozenset({"ProfileNotFound", "ConfigParseError", "InvalidConfigError"}),
        "The AWS configuration cannot be used: {error.message}",
        "See AWS_PROFILE and `aws configure list`.",
        UNREADABLE,
    ),
)


def on_target(verb: F) -> F:
    """Give a verb the options of a target, and the target as its first argument.

    What AWS or the way to it refuses becomes one sentence and an exit code.
    """

    @click.option(
        "--stack",
        envvar="RECDROP_STACK",
        help="A stack deployed to AWS, with your own credentials ($RECDROP_STACK). "
        "Default: the local one.",
    )
    @click.option("--region", help="The region of --stack. Default: as the AWS CLI has it.")
    @endpoint_option
    @functools.wraps(verb)
    def command(
        *, stack: str | None, region: str | None, endpoint_url: str | None, **options: Any
    ) -> Any:
        project.put_on_path(project.own())
        target = find_target(stack, region, endpoint_url)
        try:
            return verb(target, **options)
        except Exception as error:
            told = explain(error)
            if told is None:
                raise
            raise told from error

    return command  # type: ignore[return-value]  # click calls it by keywords


def find_target(stack: str | None, region: str | None, endpoint: str | None) -> Target:
    """The deployed stack of a name, else the one on this machine."""
    if not stack:
        if region:
            raise click.UsageError(
                "Option '--region' needs '--stack': the local AWS has one region."
            )
        return Here(find_endpoint(endpoint))
    source = click.get_current_context().get_parameter_source("endpoint_url")
    # From the environment boto3 reads it itself, with AWS_ENDPOINT_URL_S3 and its like.
    return Deployed(stack, region, endpoint if source == ParameterSource.COMMANDLINE else None)


def explain(error: Exception) -> CliError | None:
    """What to say of a failure of AWS; None of anything else."""
    from chalicelib.aws import translate
    from chalicelib.errors import AwsError

    failure = translate(error)
    return say(failure) if isinstance(failure, AwsError) else None


def say(error: AwsError) -> CliError:
    """One sentence and an exit code."""
    from chalicelib.errors import AccessDenied, ServiceUnavailable

    for refusal in REFUSALS:
        if error.code in refusal.codes:
            return CliError(refusal.exit_code, refusal.message.format(error=error), refusal.hint)
    if isinstance(error, AccessDenied):
        return CliError(UNREACHABLE, f"AWS does not allow it: {error.message}", PERMISSIONS)
    if isinstance(error, ServiceUnavailable):
        return CliError(UNREACHABLE, f"AWS does not answer: {error.message}", "Try again.")
    return CliError(UNREACHABLE, f"AWS refused: {error}")
