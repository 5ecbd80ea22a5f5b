"""`python -m recdrop.personalize --data-dir DIR`: the local Amazon Personalize on its own port."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import click

from recdrop.personalize.options import personalize_options, server_options
from recdrop.personalize.server import ACCOUNT, PersonalizeServer
from recdrop.service.http.hosting import hosted
from recdrop.service.http.httpserver import PortInUseError


@click.command()
@click.option("--port", default=0, show_default=True, help="0 takes a free one and says which.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    required=True,
    help="Where state, data and models are kept.",
)
@click.option(
    "--s3-endpoint",
    default=None,
    help="Where S3 is, such as http://127.0.0.1:4566; default: boto3's own.",
)
@click.option(
    "--cloudwatch-endpoint", default=None, help="Where metrics are sent; default: nowhere."
)
@click.option("--region", default="us-east-1", show_default=True)
@click.option("--account", default=ACCOUNT, show_default=True)
@personalize_options
def main(
    port: int,
    data_dir: Path,
    s3_endpoint: str | None,
    cloudwatch_endpoint: str | None,
    region: str,
    account: str,
    **personalize: Any,
) -> None:
    """Serves until it gets SIGTERM or Ctrl-C."""
    app = PersonalizeServer(
        data_dir,
        s3_endpoint=s3_endpoint,
        cloudwatch_endpoint=cloudwatch_endpoint,
        region=region,
        account=account,
        **server_options(**personalize),
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with hosted(app, port) as url:
            click.echo(f"Amazon Personalize is at {url}")
            stop.wait()
    except PortInUseError as error:
        raise click.ClickException(str(error)) from error
    finally:
        app.close()


if __name__ == "__main__":
    main()
