"""What deploys: a policy file for each function, who may delete what, buckets that are closed."""

from __future__ import annotations

import json
import re
from typing import Any

from app import app
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


def test_a_function_may_delete_what_it_makes_and_only_three_may_update_a_campaign() -> None:
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
        "train": {"Solution", "Recommender"},
        "update_campaign": {"Campaign"},
    }
    for name, kinds in deleting.items():
        assert kinds <= set(re.findall(r"personalize:Create(\w*)", policies[name])), name
    assert {name for name, text in policies.items() if "UpdateCampaign" in text} == {
        "prepare_group",  # the config's settings, for the version that serves
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
    assert sorted(deleting) == [
        "campaigns.py",
        "groups.py",
        "recommenders.py",
        "solutions.py",
    ]
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


def test_every_route_has_a_throttle_of_its_own_and_no_log_of_addresses() -> None:
    settings = resources()["RestAPI"]["Properties"]["MethodSettings"]
    throttled = {
        (entry["ResourcePath"][1:].replace("~1", "/"), entry["HttpMethod"]) for entry in settings
    }
    routes = {(p, m) for p, found in app.routes.items() for m in found if m != "OPTIONS"}
    assert throttled == {("*", "*"), *routes}
    assert all(e["ThrottlingRateLimit"] and e["ThrottlingBurstLimit"] for e in settings)
    # An execution log and a trace hold the address, which holds a user id.
    assert {(e["LoggingLevel"], e["DataTraceEnabled"]) for e in settings} == {("OFF", False)}
    assert resources()["RestAPI"]["Properties"]["TracingEnabled"] is False


def test_the_access_log_is_kept_for_a_time_and_names_nobody() -> None:
    log = resources()["RestAPI"]["Properties"]["AccessLogSetting"]
    assert log["DestinationArn"] == {"Fn::GetAtt": ["ApiAccessLogs", "Arn"]}
    assert "RetentionInDays" in resources()["ApiAccessLogs"]["Properties"]
    variables = set(json.loads(log["Format"]).values())
    assert "$context.resourcePath" in variables
    assert variables.isdisjoint(
        {"$context.path", "$context.identity.apiKey", "$context.requestOverride"}
    )


def test_each_plan_has_one_key_and_throttles_its_own_routes() -> None:
    keyed = {
        (p, m) for p, found in app.routes.items() for m, e in found.items() if e.api_key_required
    }
    planned: set[tuple[str, str]] = set()
    for name in ("Read", "Write"):
        assert resources()[f"{name}PlanKey"]["Properties"]["KeyId"] == {"Ref": f"{name}Key"}
        assert resources()[f"{name}PlanKey"]["Properties"]["UsagePlanId"] == {"Ref": f"{name}Plan"}
        [stage] = resources()[f"{name}Plan"]["Properties"]["ApiStages"]
        planned |= {tuple(method.rsplit("/", 1)) for method in stage["Throttle"]}
    assert planned == keyed
    assert {"ApiKey", "UsagePlan", "UsagePlanKey"}.isdisjoint(resources())


def test_no_web_page_is_let_in_unless_a_parameter_names_it() -> None:
    text = (PROJECT / "infrastructure" / "resources.json").read_text()
    parameter = json.loads(text)["Parameters"]["CorsOrigins"]
    assert parameter["Default"] == ""
    allowed = ["", "https://shop.example", "http://localhost:3000,https://shop.example"]
    refused = [
        "*",
        "https://*",
        "https://shop.example/",
        "shop.example",
        "https://a.example,*",
        "null",
    ]
    pattern = parameter["AllowedPattern"]
    assert [o for o in allowed + refused if re.fullmatch(pattern, o)] == allowed
    assert "'*'" not in text
    assert not any(e.cors for found in app.routes.values() for e in found.values())


def test_personalize_is_trusted_only_for_this_account() -> None:
    trust = resources()["PersonalizeRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    batch = resources()["WorkBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][-1]
    for statement in (trust, batch):
        assert statement["Condition"]["StringEquals"] == {
            "aws:SourceAccount": {"Ref": "AWS::AccountId"}
        }
        assert "aws:SourceArn" in statement["Condition"]["ArnLike"]
    assert "s3:PutObject" in batch["Action"]


def template() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PROJECT / "infrastructure" / "resources.json").read_text())
    return found


def test_every_name_that_is_given_carries_the_stack() -> None:
    named = ("QueueName", "TopicName", "LayerName", "LogGroupName", "Name")
    for logical, resource in resources().items():
        for key in named:
            value = resource.get("Properties", {}).get(key, {"Ref": "AWS::StackName"})
            assert "AWS::StackName" in json.dumps(value), f"{logical}.{key}"


def test_the_code_spells_no_name_of_the_stack() -> None:
    spelt = re.compile(r"recdrop-(exports|runs|pipeline|duckdb)")
    shipped = [PROJECT / "app.py", *(PROJECT / "chalicelib").rglob("*.py")]
    policies = (PROJECT / ".chalice" / "policies").glob("*.json")
    assert [path for path in (*shipped, *policies) if spelt.search(path.read_text())] == []


def test_every_parameter_has_a_default_and_says_what_it_is() -> None:
    for name, parameter in template()["Parameters"].items():
        assert "Default" in parameter, name
        assert parameter["Description"], name


def test_both_alarms_can_deliver_to_the_topic() -> None:
    # CloudWatch publishes as a service: both the topic and its key have to let it.
    alarms = [r for r in resources().values() if r.get("Type") == "AWS::CloudWatch::Alarm"]
    assert len(alarms) == 2
    assert all(a["Properties"]["AlarmActions"] == [{"Ref": "RunTopic"}] for a in alarms)
    topic, key = resources()["RunTopic"]["Properties"], resources()["TopicKey"]["Properties"]
    assert topic["KmsMasterKeyId"]["Fn::If"][1] == {"Ref": "TopicKey"}
    assert "alias/aws/sns" not in json.dumps(topic)
    policy = resources()["RunTopicPolicy"]["Properties"]["PolicyDocument"]
    assert may(policy, "cloudwatch.amazonaws.com") == {"sns:Publish"}
    assert may(key["KeyPolicy"], "cloudwatch.amazonaws.com") == {
        "kms:Decrypt",
        "kms:GenerateDataKey*",
    }


def may(policy: dict[str, Any], service: str) -> set[str]:
    """What a policy lets a service of this account do."""
    actions: set[str] = set()
    for statement in policy["Statement"]:
        if statement["Principal"] == {"Service": service}:
            assert statement["Effect"] == "Allow"
            equals = statement["Condition"]["StringEquals"]
            assert equals == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
            listed = statement["Action"]
            actions |= {listed} if isinstance(listed, str) else set(listed)
    return actions


def test_nobody_uses_the_key_but_through_sns() -> None:
    policy = resources()["TopicKey"]["Properties"]["KeyPolicy"]
    (publishers,) = [s for s in policy["Statement"] if s["Principal"] == {"AWS": "*"}]
    assert publishers["Condition"]["StringEquals"].keys() == {
        "kms:CallerAccount",
        "kms:ViaService",
    }


def test_every_function_logs_to_a_group_that_forgets() -> None:
    config = json.loads((PROJECT / ".chalice" / "config.json").read_text())
    functions = config["stages"]["prod"]["lambda_functions"]
    for function in functions:
        # Chalice's way from a name to a logical id; `api_handler` is its own.
        title = "".join(part.capitalize() for part in function.split("_"))
        logical = "APIHandler" if function == "api_handler" else title
        group = resources()[f"{logical}Logs"]["Properties"]
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        assert group["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/${{AWS::StackName}}-{logical}"}
        logging = resources()[logical]["Properties"]["LoggingConfig"]
        assert logging == {"LogGroup": {"Ref": f"{logical}Logs"}}


def test_user_data_expires_and_a_config_does_not() -> None:
    rules = {
        rule["Id"]: rule
        for bucket in ("DropBucket", "WorkBucket")
        for rule in resources()[bucket]["Properties"]["LifecycleConfiguration"]["Rules"]
        if rule["Id"].startswith("UserData")
    }
    assert {rule.get("Prefix") for rule in rules.values()} == {None, "runs/", "results/", "sets/"}
    for rule in rules.values():
        assert rule["ExpirationInDays"]["Fn::If"][1] == {"Ref": "UserDataDays"}
        assert rule["Status"] == {"Fn::If": ["UserDataExpires", "Enabled", "Disabled"]}
    # A recdrop.toml lies among the exports; S3's rules know sizes, but no names.
    assert int(rules["UserData"]["ObjectSizeGreaterThan"]) == 4096
