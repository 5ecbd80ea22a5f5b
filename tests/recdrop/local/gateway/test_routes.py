"""Paths and their routes."""

from __future__ import annotations

from recdrop.local.gateway.routes import to_route


def test_greedy_parameters_take_the_rest_of_the_path() -> None:
    route = to_route("/files/{name+}", {})
    found = route.pattern.fullmatch("/files/a/b%2Fc")
    assert found is not None
    assert (route.names, found[1]) == (("name",), "a/b%2Fc")
