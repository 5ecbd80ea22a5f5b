"""A few removals for real: what `make check-permissions` says on paper, tests see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from infrastructure.permissions.removals import Allow, without_one
from tests.workflow.shop import ONE_SOLUTION, Shop, csv, purchases


@contextmanager
def without(shop: Shop, allow: Allow) -> Iterator[None]:
    """The stack without one allow of a role."""
    principals = shop.stack.guard.principals
    [role] = [
        role
        for role in principals.roles()
        if any(policy.name == allow.policy for policy in role.policies)
    ]
    [changed] = [
        policy for one in role.policies for found, policy in without_one(one) if found == allow
    ]
    others = tuple(policy for policy in role.policies if policy.name != allow.policy)
    principals.change(replace(role, policies=(*others, changed)))
    try:
        yield
    finally:
        principals.change(role)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("group", "allow", "reason"),
    [
        (
            "unmade",
            Allow("train", "Train", "personalize:CreateSolution"),
            "assumed-role/.* is not authorized to perform: personalize:CreateSolution on resource: ",
        ),
        (
            "unpassed",
            Allow("import_dataset", "PassPersonalizeRole", "iam:PassRole"),
            "is not authorized to perform: iam:PassRole on resource: .*PersonalizeRole",
        ),
        (
            "unread",
            Allow("PersonalizeRole", "ReadClean", "s3:GetObject"),
            "CREATE FAILED: .*",
        ),
    ],
)
def test_a_run_fails_for_an_allow_that_was_taken_away(
    shop: Shop, group: str, allow: Allow, reason: str
) -> None:
    with without(shop, allow):
        shop.drop(
            {f"{group}/recdrop.toml": ONE_SOLUTION, f"{group}/interactions/a.csv": csv(purchases())}
        )
        report = shop.finish(group)
        assert report["status"] == "failed"
        assert re.search(reason, report["reason"])
