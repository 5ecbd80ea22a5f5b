"""The errors that API Gateway words itself."""

from __future__ import annotations


class GatewayError(Exception):
    """An answer that API Gateway gives itself: `{"message": ...}` with an error type header."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


def missing_token() -> GatewayError:
    """What AWS says of an unsigned call, of an unknown path and of an unknown method alike."""
    return GatewayError(403, "MissingAuthenticationTokenException", "Missing Authentication Token")


def wrong_key() -> GatewayError:
    """What AWS says of a call without an API key, and of one with a key that it does not know."""
    return GatewayError(403, "ForbiddenException", "Forbidden")


def server_error() -> GatewayError:
    """What AWS says of a function that broke: nothing that would help an attacker."""
    return GatewayError(502, "InternalServerErrorException", "Internal server error")
