"""docs/permissions.md says what the policies say, and why."""

from __future__ import annotations

from infrastructure.permissions import packaged
from infrastructure.permissions.__main__ import PAGE, reasons
from infrastructure.permissions.packaged import Owned
from infrastructure.permissions.page import page, rows, unexplained
from recdrop.local.iam.policy import Policy


def test_the_page_is_true() -> None:
    assert PAGE.read_text() == page(packaged.read(), reasons()["why"]), (
        "run: python -m infrastructure.permissions page"
    )


def test_every_statement_has_a_reason_and_every_reason_a_statement() -> None:
    missing, idle = unexplained(packaged.read(), reasons()["why"])
    assert missing == []
    assert idle == []


def owned(**statement: object) -> Owned:
    document = {"Statement": [{"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", **statement}]}
    return Owned("resource", Policy("train", document))


def test_a_row_says_who_may_do_what_where_and_when() -> None:
    allowed = owned(
        Effect="Deny",
        Principal={"Service": "a.amazonaws.com"},
        Resource=["arn:aws:s3:::work/*"],
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )
    [row] = rows(allowed, {"Read": "general", "train/Read": "Because."})
    assert row == (
        "| `train` | **deny** `s3:Get*` to `a.amazonaws.com`"
        " | `work/*` if `aws:SecureTransport` Bool `false` | Because. |"
    )
    assert next(rows(owned(Principal="*", Resource="*"), {"Read": "General."})) == (
        "| `train` | `s3:Get*` to everyone | `*` | General. |"
    )
