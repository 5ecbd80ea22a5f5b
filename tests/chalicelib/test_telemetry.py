"""What the Lambdas log, and nothing else, is a line of theirs."""

from __future__ import annotations

import logging

from chalicelib import telemetry


def test_the_laptops_loggers_are_no_children_of_the_lambdas_logger() -> None:
    parent: logging.Logger | None = logging.getLogger("recdrop.local.stack")
    while parent is not None:
        assert parent.name != telemetry.logger.service
        parent = parent.parent
