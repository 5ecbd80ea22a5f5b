"""`recdrop demo`: the whole flow on real purchases, in about three minutes.

It needs the extra [demo], which is the data.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from recdrop.cli.common import FINDINGS, UNREADABLE, CliError, json_option, print_json
from recdrop.cli.up import find_project, make_stack, start


@click.command(help="Play the whole flow on real purchases, on this machine: about three minutes.")
@json_option
def command(as_json: bool) -> int:
    """Play, and say where the time went."""
    from recdrop.local.demo import headline, tell_times, tell_what_next

    logging.basicConfig(level=logging.WARNING)
    project = find_project()
    # With --json the story is for people still, on stderr, and stdout has the result alone.
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        headline(
            "recdrop: drop an export, get recommendations from a model that was proven better."
            " All of it on this machine."
        )
        began = time.monotonic()
        played = play(project)
        times = {**played.times, "total": time.monotonic() - began}
        tell_times(times)
        tell_what_next(project)
    if as_json:
        seconds = {name: round(spent, 1) for name, spent in times.items()}
        print_json({"seconds": seconds, "decisions": played.decisions})
    return 0


def play(project: Path) -> Any:
    """Start a stack, play on it, stop it; the demo that was played."""
    from recdrop.local import unload
    from recdrop.local.demo import TIME_SCALE, TRAINING_SECONDS, Demo, DemoError, home, say

    options = {"training_seconds": TRAINING_SECONDS}
    try:
        unload.data_folder()  # asked first: the stack takes seconds to start
        with home() as data, tempfile.TemporaryDirectory(prefix="recdrop-export-") as exports:
            say("starting the local AWS ...")
            stack = make_stack(
                project, data_dir=data, scale=TIME_SCALE, personalize_options=options
            )
            try:
                start(stack)
                say(
                    f"local AWS on {stack.aws_url}, API on {stack.api_url},"
                    f" up in {stack.started_in:.1f} s"
                )
                demo = Demo(stack, Path(exports))
                demo.play()
            finally:
                stack.stop()
    except unload.DataMissingError as error:
        raise CliError(UNREADABLE, str(error)) from error
    except DemoError as error:
        raise CliError(FINDINGS, f"The demo failed: {error}") from error
    return demo
