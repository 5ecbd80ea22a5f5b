"""`recdrop snowflake`: the SQL of the Snowflake side."""

from __future__ import annotations

from typing import Any

import click

from recdrop import project
from recdrop.cli.common import json_option, print_json


@click.group(help="The Snowflake side. `sql` prints its set-up as SQL, or with --json as a list.")
def command() -> None:
    """A group, so that more of Snowflake finds its place here."""


@command.command(
    "sql",
    help="Print the whole set-up as SQL: roles, warehouse, storage integration, stages, views, unload, API "
    "integration, functions, grants, and the pipe for bulk results. The two DESCRIBEs give what the "
    "trust of the AWS roles wants. Nothing is run. Exit code 2: a name may not stand in SQL.",
)
@click.option("--group", required=True, help="The dataset group.")
@click.option(
    "--api-url", required=True, help="https://<api>.execute-api.<region>.amazonaws.com/api"
)
@click.option("--storage-role", required=True, help="ARN of the role that reaches the buckets.")
@click.option("--api-role", required=True, help="ARN of the role that calls the API.")
@click.option("--drop-bucket", required=True, help="Where exports are dropped.")
@click.option("--work-bucket", required=True, help="Where bulk results lie.")
@click.option("--schema", required=True, help="database.schema")
@click.option("--prefix", default="recsys", show_default=True, help="Of the names of what is made.")
@click.option("--warehouse", help="One that is there already. Default: one is made.")
@click.option(
    "--interactions",
    default="events",
    show_default=True,
    help="The table with user_id, item_id, event_type and occurred_at.",
)
@click.option("--items", help="The table with item_id, if items are exported.")
@click.option("--item-column", "item_columns", multiple=True, help="A further column of --items.")
@click.option("--users", help="The table with user_id, if users are exported.")
@click.option("--user-column", "user_columns", multiple=True, help="A further column of --users.")
@click.option("--drop", "is_drop", is_flag=True, help="Print what removes all of it.")
@json_option
def sql(*, is_drop: bool, as_json: bool, **given: Any) -> int:
    """Print the statements."""
    project.put_on_path(project.own())
    from recdrop.snowflake import statements
    from recdrop.snowflake.parameters import ParameterError, Parameters

    try:
        parameters = Parameters(**given)
    except ParameterError as error:
        raise click.UsageError(str(error)) from error
    steps = statements.create(parameters)
    if is_drop:
        steps = [statements.Step(statement) for statement in statements.remove(parameters)]
    if as_json:
        print_json({"statements": [step.sql for step in steps]})
    else:
        click.echo(statements.as_text(steps))
    return 0
