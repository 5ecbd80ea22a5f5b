"""`make check-permissions` says what is unused, and fails for it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from infrastructure.permissions import packaged, removals
from infrastructure.permissions.__main__ import function_allows, main
from recdrop.local.iam.policy import Decision, Principal, Request
from recdrop.local.iam.recording import PolicySet, Recorder

YES = Decision(allowed=True, reason="an identity-based policy allows", by=None)


def record(folder: Path) -> None:
    """A recording of the project's functions, of which only one asked for one thing."""
    arns = {
        owned.policy.name: f"arn:aws:iam::ACCOUNT:role/{owned.policy.name}"
        for owned in packaged.read()
        if owned.kind == "function"
    }
    policies = {
        arns[owned.policy.name]: [owned.policy]
        for owned in packaged.read()
        if owned.kind == "function"
    }
    writer = Recorder(folder)
    writer.use(PolicySet(policies))
    release = Principal(arns["release_lease"], "ACCOUNT", "release_lease")
    table = "arn:aws:dynamodb:REGION:ACCOUNT:table/LedgerTable"
    writer.record(Request(release, "dynamodb:UpdateItem", table, {}), YES)


def test_what_is_unused_is_named_and_fails(tmp_path: Path) -> None:
    record(tmp_path)
    done = CliRunner().invoke(main, ["check", str(tmp_path)])
    assert done.exit_code == 1
    assert "1 needed by 1 recorded requests" in done.output
    assert "unused: notify/Notify/sns:Publish" in done.output
    assert "release_lease/UseLedger" not in done.output


def test_a_recording_of_other_policies_is_refused(tmp_path: Path) -> None:
    Recorder(tmp_path).use(PolicySet({}))
    done = CliRunner().invoke(main, ["check", str(tmp_path)])
    assert done.exit_code == 1
    assert "has no recording of the policies as they are now" in done.output


def test_the_functions_allows_are_known_by_their_actions() -> None:
    found = function_allows(packaged.read())
    assert removals.Allow("release_lease", "UseLedger", "dynamodb:UpdateItem") in found
    assert not [allow for allow in found if "*" in allow.what]
