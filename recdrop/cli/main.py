"""The command line `recdrop`. This module imports click alone: `recdrop --help` must be instant.

Exit codes, the same in every verb: 0 ok, 1 findings, 2 usage, 3 input or config unreadable, 4
service not reachable, 5 run failed, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import difflib
import importlib
import json
import os
import sys

import click

COMMANDS = {
    "demo": ("recdrop.cli.demo", "Play the whole flow on real purchases, on this machine."),
    "up": ("recdrop.cli.up", "Start the local AWS with the application deployed."),
    "down": ("recdrop.cli.down", "Stop the local AWS that listens on the port."),
    "status": ("recdrop.cli.status", "Say what runs where."),
    "check": ("recdrop.cli.check", "Say whether an export can be used, without a stack."),
    "fix": ("recdrop.cli.fix", "Write the clean files of an export, without a stack."),
    "drop": ("recdrop.cli.drop", "Drop files: upload them as an export of a dataset group."),
    "plan": ("recdrop.cli.plan", "Say what a config would change of a dataset group."),
    "apply": ("recdrop.cli.apply", "Make a dataset group what a config says."),
    "runs": ("recdrop.cli.runs", "List the runs, or show one run's states."),
    "report": ("recdrop.cli.report", "Tell what a run found, decided and why."),
    "quarantine": ("recdrop.cli.quarantine", "Show what was refused of a run's export, and why."),
    "accept": ("recdrop.cli.accept", "Let an export through that is held: it would lose data."),
    "forget": ("recdrop.cli.forget", "Erase users from a group, and say what is left to do."),
    "destroy": ("recdrop.cli.destroy", "Delete a dataset group, with all that was made for it."),
    "logs": ("recdrop.cli.logs", "Print what the Lambdas logged."),
    "wait": ("recdrop.cli.wait", "Wait until the stack is up and no run is going on."),
    "personalize": ("recdrop.cli.personalize", "Keep a dataset group in a file, and load it."),
    "snowflake": ("recdrop.cli.snowflake", "Print the SQL that sets up Snowflake."),
    "efcheck": ("recdrop.cli.efcheck", "Check any external function of Snowflake's."),
    "fault": ("recdrop.cli.fault", "Plan the failure of a Lambda."),
}


class LazyGroup(click.Group):
    """Imports a verb when it is called; for a name it does not know, it suggests the nearest."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of a working day."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of a name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb, or a usage error with a suggestion."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint} Expected one of: {', '.join(COMMANDS)}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with their help, without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--no-color", is_flag=True, help="No colours. So does the variable NO_COLOR.")
@click.pass_context
def cli(ctx: click.Context, no_color: bool) -> None:
    """Drop an export; minutes later an API serves recommendations from it.

    Here, on your machine.
    """
    if no_color or os.environ.get("NO_COLOR"):
        ctx.color = False


def main(arguments: list[str] | None = None) -> int:
    """The entry point: exit code 130 for Ctrl-C, as a shell would say it.

    With --json, errors are JSON too.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        result = cli.main(args=arguments, prog_name="recdrop", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        return 130
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        if "--json" in arguments:
            show_json(error)
        else:
            error.show()
        return error.exit_code


def show_json(error: click.ClickException) -> None:
    """The error on stdout, as `{"error": {"code", "message", "hint"}}`."""
    hint = getattr(error, "hint", "")
    document = {"error": {"code": error.exit_code, "message": error.format_message(), "hint": hint}}
    click.echo(json.dumps(document))


if __name__ == "__main__":
    sys.exit(main())
