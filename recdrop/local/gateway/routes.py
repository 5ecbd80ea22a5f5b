"""The REST API of the template, and the route of a path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from recdrop.local.gateway.errors import missing_token


@dataclass(frozen=True)
class RestApi:
    """The REST API of the template: its Swagger body, stage, and the function behind it.

    `minimum_compression` is in bytes; None: answers are never compressed. `own_errors`: the
    template words API Gateway's own errors as `{"error": {"code", "message"}}`. `keys` are the ids of
    the API keys by their values.
    """

    swagger: dict[str, Any]
    stage: str
    function: str
    binary_types: tuple[str, ...] = ()
    minimum_compression: int | None = None
    own_errors: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)

    def is_binary(self, content_type: str) -> bool:
        """Whether a content type is one of the API's binary media types."""
        media_type = content_type.split(";")[0].strip().lower()
        return any(
            binary in {media_type, "*/*"}
            or (binary.endswith("/*") and media_type.startswith(binary[:-1]))
            for binary in self.binary_types
        )


@dataclass(frozen=True)
class Route:
    """A path of the API: its pattern, its Swagger methods in lower case."""

    resource: str
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    methods: Mapping[str, Any]


class Routes:
    """All paths of an API."""

    def __init__(self, paths: Mapping[str, Any]) -> None:
        # A fixed segment wins over a parameter: /users/me before /users/{user}.
        self._routes = sorted(
            (to_route(resource, methods) for resource, methods in paths.items()),
            key=lambda route: (len(route.names), route.resource),
        )

    def find(self, path: str) -> tuple[Route, dict[str, str]]:
        """The route of a raw path, with the decoded parameters.

        Raises:
            GatewayError: no route has such a path.
        """
        for route in self._routes:
            if found := route.pattern.fullmatch(path):
                values = map(unquote, found.groups())
                return route, dict(zip(route.names, values, strict=True))
        raise missing_token()


def to_route(resource: str, methods: Mapping[str, Any]) -> Route:
    """A Swagger path as a pattern over the raw path: `{name}` is one segment, `{name+}` the rest."""
    names: list[str] = []
    pattern = ""
    for part in re.split(r"(\{[^}]+\})", resource):
        if part.startswith("{"):
            names.append(part[1:-1].rstrip("+"))
            pattern += "(.+)" if part.endswith("+}") else "([^/]+)"
        else:
            pattern += re.escape(part)
    return Route(resource, re.compile(pattern + "/?"), tuple(names), methods)
