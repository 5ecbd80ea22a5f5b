"""The gaps of moto's CloudFormation."""

from __future__ import annotations

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
