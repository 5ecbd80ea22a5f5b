"""The gaps of moto's CloudFormation."""

from __future__ import annotations

import json
from typing import Any

from recdrop.local.stack import Stack


def test_physical_names_depend_on_the_logical_id_alone(stack: Stack) -> None:
    from moto.cloudformation.parsing import generate_resource_name

    names = [generate_resource_name("AWS::S3::Bucket", "recdrop", "DropBucket") for _ in range(2)]
    assert names == [stack.outputs["DropBucketName"]] * 2


def test_json_templates_are_read_as_json(stack: Stack) -> None:
    described = stack.boto_client("cloudformation").describe_stacks(StackName="recdrop")["Stacks"][
        0
    ]
    assert described["StackStatus"] == "CREATE_COMPLETE"
    from moto.cloudformation.models import Stack as MotoStack

    assert MotoStack.parse_template('{"a": 1e3}') == {"a": 1000.0}  # text, to YAML 1.1
    assert MotoStack.parse_template("a: 1") == {"a": 1}


SERVERLESS = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Parameters": {"Days": {"Type": "Number", "Default": 90}},
    "Resources": {
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": {"Ref": "Days"}}},
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": {"Ref": "AWS::StackName"}},
        },
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Threshold": 1}},
        "Layer": {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {"ContentUri": "s3://a/b"},
        },
    },
    "Outputs": {"TopicArn": {"Value": {"Ref": "Topic"}}},
}


def change(stack: Stack, name: str, kind: str, **parameters: str) -> dict[str, Any]:
    """Deploy the template by a change set; the description of the stack."""
    cloudformation = stack.boto_client("cloudformation")
    cloudformation.create_change_set(
        StackName=name,
        ChangeSetName="change",
        ChangeSetType=kind,
        TemplateBody=json.dumps(SERVERLESS),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
    )
    cloudformation.execute_change_set(StackName=name, ChangeSetName="change")
    cloudformation.delete_change_set(StackName=name, ChangeSetName="change")
    found: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return found


def test_a_serverless_template_deploys_through_a_change_set(stack: Stack) -> None:
    change(stack, "serverless", "CREATE")
    resources = stack.boto_client("cloudformation").list_stack_resources(StackName="serverless")
    kinds = {found["ResourceType"] for found in resources["StackResourceSummaries"]}
    assert kinds == {"AWS::Logs::LogGroup", "AWS::SNS::Topic"}


def test_a_stack_of_a_change_set_has_outputs_and_parameters(stack: Stack) -> None:
    described = change(stack, "changed", "CREATE", Days="7")
    (output,) = described["Outputs"]
    assert output["OutputValue"].endswith(":changed")
    assert described["Parameters"] == [{"ParameterKey": "Days", "ParameterValue": "7"}]


def test_what_cannot_be_updated_stays_in_its_stack(stack: Stack) -> None:
    change(stack, "updated", "CREATE")
    change(stack, "updated", "UPDATE", Days="7")
    cloudformation = stack.boto_client("cloudformation")
    kept = cloudformation.list_stack_resources(StackName="updated")["StackResourceSummaries"]
    assert "Logs" in {found["LogicalResourceId"] for found in kept}
