"""The judge against a table of cases, and what holds for all policies.

A case of `cases/*.json` spells out only what it is about: a statement allows `s3:GetObject` on
everything unless it says otherwise, and the role `train` reads one object of the work bucket.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recdrop.local.iam.judge import NO_IDENTITY_ALLOWS, judge, judge_key, judge_trust
from recdrop.local.iam.policy import Decision, Policy, PolicyError, Principal, Request

ACCOUNT = "123456789012"
TRAIN = Principal(f"arn:aws:iam::{ACCOUNT}:role/train", ACCOUNT, "train")
OBJECT = "arn:aws:s3:::work/clean/interactions.csv"
Json = dict[str, Any]


def cases(*, raising: bool) -> Iterator[Any]:
    for path in sorted(Path(__file__).with_name("cases").glob("*.json")):
        for case in json.loads(path.read_text()):
            if ("raises" in case) == raising:
                yield pytest.param(case, id=f"{path.stem}: {case['it']}")


def decide(case: Json) -> Decision:
    """The judge's decision on a case."""
    version = case.get("version", "2012-10-17")
    is_trust = case.get("kind") == "trust"
    request = Request(
        principal=principal(case.get("principal")),
        action=case.get("action", "s3:GetObject"),
        resource=case.get("on", OBJECT),
        context=case.get("context", {}),
    )
    identity = [policy("identity", version, case.get("identity", []))]
    if "resource" not in case:
        return judge(request, identity, None)
    resource = policy("resource", version, case["resource"], names_resource=not is_trust)
    judges = {"trust": judge_trust, "key": judge_key}
    return judges.get(case.get("kind", ""), judge)(request, identity, resource)


def principal(service: str | None) -> Principal:
    return Principal("", "", None, service) if service else TRAIN


def policy(
    name: str, version: str, listed: Json | Sequence[Json], *, names_resource: bool = True
) -> Policy:
    """A policy of statements, with what they leave out."""
    whole = [
        complete(one, names_resource=names_resource)
        for one in ([listed] if isinstance(listed, dict) else listed)
    ]
    statement = whole[0] if isinstance(listed, dict) else whole
    return Policy(name, {"Version": version, "Statement": statement})


def complete(statement: Json, *, names_resource: bool = True) -> Json:
    done = {"Effect": "Allow", **statement}
    if not done.keys() & {"Action", "NotAction"}:
        done["Action"] = "s3:GetObject"
    if names_resource and not done.keys() & {"Resource", "NotResource"}:
        done["Resource"] = "*"
    return done


@pytest.mark.parametrize("case", list(cases(raising=False)))
def test_a_request_is_decided_as_aws_decides(case: Json) -> None:
    decision = decide(case)
    assert decision.allowed is case["allowed"], decision
    assert decision.reason == case.get("reason", decision.reason)
    if "by" in case:
        assert decision.by == tuple(case["by"])


@pytest.mark.parametrize("case", list(cases(raising=True)))
def test_what_cannot_be_evaluated_raises(case: Json) -> None:
    with pytest.raises(PolicyError, match=case["raises"]):
        decide(case)


def test_every_case_says_something_of_its_own() -> None:
    listed = [case.values[0] for raising in (False, True) for case in cases(raising=raising)]
    texts = [
        json.dumps({key: value for key, value in case.items() if key != "it"}, sort_keys=True)
        for case in listed
    ]
    assert len(set(texts)) == len(texts) > 200


# A small world, so that statements meet often.
ACTIONS = ("s3:GetObject", "s3:PutObject", "sqs:SendMessage")
RESOURCES = ("arn:aws:s3:::work/a", "arn:aws:s3:::work/b", "arn:aws:sqs:us-east-1::q")
KEYS = ("aws:SourceAccount", "s3:prefix")
TEXTS = ("a", "b", "ab")


def some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


conditions = st.dictionaries(
    st.sampled_from(["StringEquals", "StringNotEquals", "StringLike", "StringEqualsIfExists"]),
    st.dictionaries(st.sampled_from(KEYS), some(*TEXTS, "*"), min_size=1),
    max_size=1,
)
allows = st.fixed_dictionaries(
    {
        "Effect": st.just("Allow"),
        "Action": some(*ACTIONS, "s3:*", "*"),
        "Resource": some(*RESOURCES, "arn:aws:s3:::*", "*"),
        "Condition": conditions,
    }
)
statements = st.builds(
    lambda allow, effect: {**allow, "Effect": effect}, allows, st.sampled_from(["Allow", "Deny"])
)
requests = st.builds(
    Request,
    st.just(TRAIN),
    st.sampled_from(ACTIONS),
    st.sampled_from(RESOURCES),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(TEXTS)),
)


def asked(request: Request, *policies: Sequence[Json]) -> Decision:
    return judge(request, [policy("own", "2012-10-17", one) for one in policies], None)


@given(requests, st.lists(statements, max_size=4), st.data())
def test_a_deny_that_applies_always_wins(
    request: Request, listed: list[Json], data: st.DataObject
) -> None:
    never = {"Effect": "Deny", "Action": request.action, "Resource": request.resource}
    place = data.draw(st.integers(0, len(listed)))
    assert not asked(request, [*listed[:place], never, *listed[place:]]).allowed
    assert not asked(request, listed, [never]).allowed


@given(requests, st.lists(statements, max_size=4))
def test_an_unrelated_statement_changes_nothing(request: Request, listed: list[Json]) -> None:
    for effect in ("Allow", "Deny"):
        other = {"Effect": effect, "Action": "iam:PassRole", "Resource": "*"}
        elsewhere = {"Effect": effect, "Action": "*", "Resource": "arn:aws:s3:::elsewhere/*"}
        assert asked(request, [*listed, other, elsewhere]) == asked(request, listed)


@given(requests, st.lists(statements, max_size=4), st.randoms(use_true_random=False))
def test_neither_order_nor_grouping_matters(
    request: Request, listed: list[Json], random: Any
) -> None:
    shuffled = random.sample(listed, len(listed))
    alone = [[one] for one in listed]
    expected = asked(request, listed).allowed
    assert asked(request, shuffled).allowed == expected
    assert asked(request, *alone).allowed == expected


@given(requests, st.lists(statements, max_size=4), allows)
def test_one_more_allow_never_refuses(request: Request, listed: list[Json], allow: Json) -> None:
    assert asked(request, [*listed, allow]).allowed >= asked(request, listed).allowed


@given(requests, st.lists(statements, max_size=4))
def test_the_statement_that_decided_decides_alone(request: Request, listed: list[Json]) -> None:
    decision = asked(request, listed)
    if decision.by is None:
        assert decision.reason == NO_IDENTITY_ALLOWS
        return
    place = int(decision.by[1].removeprefix("#"))
    alone = asked(request, [listed[place]])
    assert (alone.allowed, alone.reason) == (decision.allowed, decision.reason)


@given(requests, st.lists(statements, max_size=4))
def test_a_service_has_no_policies_of_its_own(request: Request, listed: list[Json]) -> None:
    service = Principal("", "", None, "events.amazonaws.com")
    from_service = Request(service, request.action, request.resource, request.context)
    assert not asked(from_service, listed).allowed
