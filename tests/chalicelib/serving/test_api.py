"""The routes of app.py are those that the other tests drive."""

from __future__ import annotations

from chalice import Chalice

from app import app
from tests.chalicelib.house import House, make_app


def methods_of(routes: Chalice) -> dict[str, set[str]]:
    return {path: set(entries) for path, entries in routes.routes.items()}


def test_app_has_the_routes_that_are_tested(house: House) -> None:
    assert methods_of(app) == methods_of(make_app(lambda: house.api))


def test_every_posted_body_is_ours_to_read_whatever_its_type() -> None:
    posted = [entries["POST"] for entries in app.routes.values() if "POST" in entries]
    assert all(entry.content_types == ["*/*"] for entry in posted)
