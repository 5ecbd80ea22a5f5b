"""What deploys: a policy file for each function, who may delete what, buckets that are closed."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.architecture.graph import PROJECT


def resources() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PROJECT / "infrastructure" / "resources.json").read_text())[
        "Resources"
    ]
    return found


def test_every_function_has_a_policy_file_of_its_own() -> None:
    config = json.loads((PROJECT / ".chalice" / "config.json").read_text())
    functions = config["stages"]["prod"]["lambda_functions"]
    files = [entry["iam_policy_file"] for entry in functions.values()]
    assert len(set(files)) == len(files)
    assert not config["autogen_policy"]
    names = re.findall(r'(?<!_)name="(\w+)"', (PROJECT / "app.py").read_text())
    assert functions.keys() == {*names, "api_handler"}
    assert all((PROJECT / ".chalice" / file).is_file() for file in files)


def test_a_function_may_delete_what_it_makes_and_only_two_may_update_a_campaign() -> None:
    """What failed keeps its name until it is deleted (personalize/ensure.clear_away)."""
    policies = {
        path.stem: path.read_text() for path in (PROJECT / ".chalice" / "policies").glob("*.json")
    }
    deleting = {
        name: found
        for name, text in policies.items()
        if (found := set(re.findall(r"personalize:Delete(\w*)", text)))
    }
    assert deleting == {
        "prepare_group": {"DatasetGroup", "Dataset", "EventTracker", "Filter"},
        "train": {"Solution"},
        "update_campaign": {"Campaign"},
    }
    for name, kinds in deleting.items():
        assert kinds <= set(re.findall(r"personalize:Create(\w*)", policies[name])), name
    assert {name for name, text in policies.items() if "UpdateCampaign" in text} == {
        "update_campaign",
        "roll_back",
    }


def test_only_what_failed_is_deleted() -> None:
    """Deletions go through the one function that looks at the status first."""
    deleting = [
        path.name
        for path in (PROJECT / "chalicelib").rglob("*.py")
        if re.search(r"client\.delete_", path.read_text())
    ]
    assert sorted(deleting) == ["campaigns.py", "groups.py", "solutions.py"]
    for name in deleting:
        text = (PROJECT / "chalicelib" / "personalize" / name).read_text()
        calls = re.findall(r".*\n?.*client\.delete_", text)
        assert calls
        assert all("delete=lambda" in call for call in calls), name


def test_a_role_is_passed_to_personalize_and_to_nobody_else() -> None:
    for path in (PROJECT / ".chalice" / "policies").glob("*.json"):
        for statement in json.loads(path.read_text())["Statement"]:
            if "iam:PassRole" in statement["Action"]:
                assert statement["Resource"] == [{"Fn::GetAtt": ["PersonalizeRole", "Arn"]}], path
                assert statement["Condition"] == {
                    "StringEquals": {"iam:PassedToService": "personalize.amazonaws.com"}
                }, path


def test_buckets_are_private_encrypted_and_tls_only() -> None:
    for name in ("DropBucket", "WorkBucket"):
        properties = resources()[name]["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert "BucketEncryption" in properties
        statements = resources()[f"{name}Policy"]["Properties"]["PolicyDocument"]["Statement"]
        assert any(
            s["Effect"] == "Deny" and s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            for s in statements
        )


def test_personalize_is_trusted_only_for_this_account() -> None:
    trust = resources()["PersonalizeRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    batch = resources()["WorkBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][-1]
    for statement in (trust, batch):
        assert statement["Condition"]["StringEquals"] == {
            "aws:SourceAccount": {"Ref": "AWS::AccountId"}
        }
        assert "aws:SourceArn" in statement["Condition"]["ArnLike"]
    assert "s3:PutObject" in batch["Action"]
