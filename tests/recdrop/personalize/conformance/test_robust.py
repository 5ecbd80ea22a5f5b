"""No request is an internal failure: good requests of all operations, with members exchanged for
what is found elsewhere.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recdrop.personalize.specification import PERSONALIZE
from tests.recdrop.personalize.conformance.stage import Frozen, Stage

NAMES = sorted(PERSONALIZE.operations)
ODD = [
    None,
    True,
    0,
    -1,
    2**63,
    1e308,
    0.5,
    "",
    "x",
    "\x00",
    "\ud800",
    "é" * 300,
    "$LATEST",
    [],
    {},
    [None],
    {"x": "y"},
    "s3://",
    "s3://b/",
]


def members(request: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a request."""
    inner = (
        request.items()
        if isinstance(request, dict)
        else enumerate(request)
        if isinstance(request, list)
        else ()
    )
    return [
        place for step, value in inner for place in ((*path, step), *members(value, (*path, step)))
    ]


def exchanged(request: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    if isinstance(request, dict):
        return {
            name: exchanged(member, path[1:], value) if name == path[0] else member
            for name, member in request.items()
        }
    return [
        exchanged(member, path[1:], value) if place == path[0] else member
        for place, member in enumerate(request)
    ]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_request_is_an_internal_failure(
    robust: Frozen, stage: Stage, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(NAMES))
    arns = sorted(set(stage.record.arns.values()))
    request = {**stage.record.requests[name]}
    request |= {
        member: value
        for member, value in (("name", "robust"), ("jobName", "robust"))
        if member in request
    }
    for _ in range(data.draw(st.integers(0, 2))):
        unused = [
            (member,)
            for member in PERSONALIZE.operations[name].input.members
            if member not in request
        ]
        path = data.draw(st.sampled_from([*members(request), *unused] or [()]))
        value = data.draw(st.sampled_from([*arns, *(f"{arn}/$LATEST" for arn in arns), *ODD]))
        request = {**request, path[0]: value} if path in unused else exchanged(request, path, value)
    answer = robust.send(name, request)
    assert answer.status < 500, (name, request, answer.message)
    assert answer.code != "InternalFailure"
