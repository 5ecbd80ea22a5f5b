"""Who and where the local AWS is: the same for every service of the port."""

from __future__ import annotations

ACCOUNT = "123456789012"
REGION = "us-east-1"
STACK_NAME = "recdrop"
HOST = "127.0.0.1"
