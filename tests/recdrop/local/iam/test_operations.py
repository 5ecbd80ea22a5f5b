"""What real requests of botocore need, by service."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import BotoCoreError, ClientError

from recdrop.local.iam.operations import Call, Place, read_call
from recdrop.local.iam.principals import signer
from tests.recdrop.local.iam.wire import client, environ, response

PLACE = Place("us-east-1", "123456789012")
P = "arn:aws:personalize:us-east-1:123456789012:"
ROLE = "arn:aws:iam::123456789012:role/personalize"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/ledger"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:exports"
STATES = "arn:aws:states:us-east-1:123456789012:"
QUEUE_URL = "http://127.0.0.1:4566/123456789012/exports"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:train"
LOGS = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/train"


def call(service: str, operation: str, **parameters: Any) -> Call:
    """What a request needs that botocore makes."""
    found: list[Call] = []

    def read(request: AWSPreparedRequest) -> AWSResponse:
        sent = environ(request)
        signed = signer(sent["HTTP_AUTHORIZATION"])
        assert signed is not None
        body = sent["wsgi.input"].getvalue()
        found.append(read_call(sent, signed[2], PLACE))
        assert sent["wsgi.input"].read() == body, "the service can still read the body"
        return response(request, 404, b"<Error/>")

    made = client(service, "AKIA", read)
    # What is answered is no service's, and not looked at.
    with pytest.raises((ClientError, BotoCoreError)):
        getattr(made, operation)(**parameters)
    return found[0]


def needs(service: str, operation: str, **parameters: Any) -> list[tuple[str, str]]:
    return [(need.action, need.resource) for need in call(service, operation, **parameters).needs]


S3_CASES: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("get_object", {"Key": "a/b"}, [("s3:GetObject", "arn:aws:s3:::drop/a/b")]),
    ("head_object", {"Key": "a"}, [("s3:GetObject", "arn:aws:s3:::drop/a")]),
    (
        "get_object",
        {"Key": "a", "VersionId": "1"},
        [("s3:GetObjectVersion", "arn:aws:s3:::drop/a")],
    ),
    ("put_object", {"Key": "a", "Body": b"x"}, [("s3:PutObject", "arn:aws:s3:::drop/a")]),
    ("create_multipart_upload", {"Key": "a"}, [("s3:PutObject", "arn:aws:s3:::drop/a")]),
    (
        "upload_part",
        {"Key": "a", "UploadId": "u", "PartNumber": 1, "Body": b"x"},
        [("s3:PutObject", "arn:aws:s3:::drop/a")],
    ),
    (
        "complete_multipart_upload",
        {"Key": "a", "UploadId": "u"},
        [("s3:PutObject", "arn:aws:s3:::drop/a")],
    ),
    (
        "abort_multipart_upload",
        {"Key": "a", "UploadId": "u"},
        [("s3:AbortMultipartUpload", "arn:aws:s3:::drop/a")],
    ),
    (
        "list_parts",
        {"Key": "a", "UploadId": "u"},
        [("s3:ListMultipartUploadParts", "arn:aws:s3:::drop/a")],
    ),
    (
        "copy_object",
        {"Key": "a", "CopySource": {"Bucket": "other", "Key": "b c"}},
        [("s3:GetObject", "arn:aws:s3:::other/b c"), ("s3:PutObject", "arn:aws:s3:::drop/a")],
    ),
    ("delete_object", {"Key": "a"}, [("s3:DeleteObject", "arn:aws:s3:::drop/a")]),
    (
        "delete_objects",
        {"Delete": {"Objects": [{"Key": "a"}, {"Key": "b"}]}},
        [("s3:DeleteObject", "arn:aws:s3:::drop/a"), ("s3:DeleteObject", "arn:aws:s3:::drop/b")],
    ),
    ("list_objects_v2", {"Prefix": "a/"}, [("s3:ListBucket", "arn:aws:s3:::drop")]),
    ("list_objects", {}, [("s3:ListBucket", "arn:aws:s3:::drop")]),
    ("head_bucket", {}, [("s3:ListBucket", "arn:aws:s3:::drop")]),
    ("list_object_versions", {}, [("s3:ListBucketVersions", "arn:aws:s3:::drop")]),
    ("get_bucket_policy", {}, [("s3:GetBucketPolicy", "arn:aws:s3:::drop")]),
]


@pytest.mark.parametrize(("operation", "parameters", "expected"), S3_CASES)
def test_s3_says_by_method_path_and_query_what_it_wants(
    operation: str, parameters: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert needs("s3", operation, Bucket="drop", **parameters) == expected


def test_a_list_of_buckets_is_on_everything() -> None:
    assert needs("s3", "list_buckets") == [("s3:ListAllMyBuckets", "*")]


def test_conditions_of_s3_come_from_the_request() -> None:
    listed = call("s3", "list_objects_v2", Bucket="drop", Prefix="a/", MaxKeys=5)
    assert listed.needs[0].context == {"s3:prefix": "a/", "s3:max-keys": "5"}
    put = call("s3", "put_object", Bucket="drop", Key="a", Body=b"", IfNoneMatch="*")
    assert put.needs[0].context == {"s3:if-none-match": "*"}


PERSONALIZE_CASES: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    (
        "create_solution",
        {
            "name": "shop-for-you",
            "datasetGroupArn": f"{P}dataset-group/shop",
            "recipeArn": "arn:aws:personalize:::recipe/aws-sims",
        },
        [
            ("personalize:CreateSolution", f"{P}solution/shop-for-you"),
            ("personalize:CreateSolution", f"{P}dataset-group/shop"),
            ("personalize:CreateSolution", "arn:aws:personalize:::recipe/aws-sims"),
        ],
    ),
    (
        "create_solution_version",
        {"solutionArn": f"{P}solution/s"},
        [("personalize:CreateSolutionVersion", f"{P}solution/s")],
    ),
    (
        "create_dataset",
        {
            "name": "x",
            "schemaArn": f"{P}schema/s",
            "datasetGroupArn": f"{P}dataset-group/shop",
            "datasetType": "Interactions",
        },
        [
            ("personalize:CreateDataset", f"{P}dataset/shop/INTERACTIONS"),
            ("personalize:CreateDataset", f"{P}schema/s"),
            ("personalize:CreateDataset", f"{P}dataset-group/shop"),
        ],
    ),
    (
        "create_dataset_import_job",
        {
            "jobName": "j",
            "datasetArn": f"{P}dataset/shop/ITEMS",
            "dataSource": {"dataLocation": "s3://b/"},
            "roleArn": ROLE,
        },
        [
            ("iam:PassRole", ROLE),
            ("personalize:CreateDatasetImportJob", f"{P}dataset-import-job/j"),
            ("personalize:CreateDatasetImportJob", f"{P}dataset/shop/ITEMS"),
        ],
    ),
    (
        "create_event_tracker",
        {"name": "t", "datasetGroupArn": f"{P}dataset-group/shop"},
        [
            ("personalize:CreateEventTracker", f"{P}event-tracker/*"),
            ("personalize:CreateEventTracker", f"{P}dataset-group/shop"),
        ],
    ),
    (
        "describe_campaign",
        {"campaignArn": f"{P}campaign/c"},
        [("personalize:DescribeCampaign", f"{P}campaign/c")],
    ),
    (
        "list_solution_versions",
        {"solutionArn": f"{P}solution/s"},
        [("personalize:ListSolutionVersions", "*")],
    ),
    (
        "create_schema",
        {"name": "s", "schema": "{}"},
        [("personalize:CreateSchema", f"{P}schema/s")],
    ),
]


@pytest.mark.parametrize(("operation", "parameters", "expected"), PERSONALIZE_CASES)
def test_personalize_is_asked_for_every_arn_that_is_made_or_named(
    operation: str, parameters: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert needs("personalize", operation, **parameters) == expected


def test_a_role_is_passed_to_the_service() -> None:
    found = call("personalize", "create_dataset_import_job", **PERSONALIZE_CASES[3][1])
    assert found.needs[0].context == {"iam:PassedToService": "personalize.amazonaws.com"}


def test_questions_need_campaign_and_filters_streamed_events_nothing_of_their_own() -> None:
    asked = needs(
        "personalize-runtime",
        "get_recommendations",
        campaignArn=f"{P}campaign/c",
        userId="u",
        filterArn=f"{P}filter/f",
        promotions=[{"name": "p", "filterArn": f"{P}filter/g"}],
    )
    assert sorted(asked) == [
        ("personalize:GetRecommendations", f"{P}campaign/c"),
        ("personalize:GetRecommendations", f"{P}filter/f"),
        ("personalize:GetRecommendations", f"{P}filter/g"),
    ]
    events = [{"eventType": "view", "sentAt": 1}]
    streamed = {"trackingId": "t", "sessionId": "s", "eventList": events}
    assert needs("personalize-events", "put_events", **streamed) == [("personalize:PutEvents", "*")]
    arn = f"{P}dataset/shop/ITEMS"
    put = needs("personalize-events", "put_items", datasetArn=arn, items=[{"itemId": "i"}])
    assert put == [("personalize:PutItems", arn)]


KEY = {"pk": {"S": "a"}}
OTHERS: list[tuple[str, str, dict[str, Any], list[tuple[str, str]]]] = [
    (
        "dynamodb",
        "get_item",
        {"TableName": "ledger", "Key": KEY},
        [("dynamodb:GetItem", TABLE)],
    ),
    (
        "dynamodb",
        "query",
        {"TableName": "ledger", "IndexName": "by-user", "KeyConditionExpression": "a = b"},
        [("dynamodb:Query", f"{TABLE}/index/by-user")],
    ),
    (
        "dynamodb",
        "transact_write_items",
        {
            "TransactItems": [
                {"Put": {"TableName": "ledger", "Item": KEY}},
                {
                    "ConditionCheck": {
                        "TableName": "ledger",
                        "Key": KEY,
                        "ConditionExpression": "a = b",
                    }
                },
            ]
        },
        [("dynamodb:PutItem", TABLE), ("dynamodb:ConditionCheckItem", TABLE)],
    ),
    (
        "sqs",
        "send_message",
        {"QueueUrl": QUEUE_URL, "MessageBody": "m"},
        [("sqs:SendMessage", QUEUE)],
    ),
    (
        "sqs",
        "delete_message_batch",
        {"QueueUrl": QUEUE_URL, "Entries": [{"Id": "1", "ReceiptHandle": "r"}]},
        [("sqs:DeleteMessage", QUEUE)],
    ),
    (
        "sns",
        "publish",
        {"TopicArn": "arn:aws:sns:us-east-1:123456789012:runs", "Message": "m"},
        [("sns:Publish", "arn:aws:sns:us-east-1:123456789012:runs")],
    ),
    (
        "stepfunctions",
        "start_execution",
        {"stateMachineArn": f"{STATES}stateMachine:p"},
        [("states:StartExecution", f"{STATES}stateMachine:p")],
    ),
    (
        "stepfunctions",
        "get_execution_history",
        {"executionArn": f"{STATES}execution:p:run"},
        [("states:GetExecutionHistory", f"{STATES}execution:p:run")],
    ),
    (
        "events",
        "put_events",
        {"Entries": [{"Source": "a", "Detail": "{}", "DetailType": "b"}]},
        [("events:PutEvents", "arn:aws:events:us-east-1:123456789012:event-bus/default")],
    ),
    (
        "logs",
        "put_log_events",
        {
            "logGroupName": "/aws/lambda/train",
            "logStreamName": "local",
            "logEvents": [{"timestamp": 1, "message": "m"}],
        },
        [("logs:PutLogEvents", f"{LOGS}:log-stream:local")],
    ),
    ("lambda", "invoke", {"FunctionName": "train"}, [("lambda:InvokeFunction", LAMBDA)]),
    ("sts", "get_caller_identity", {}, []),
    ("ssm", "get_parameter", {"Name": "x"}, [("ssm:GetParameter", "*")]),
]


@pytest.mark.parametrize(("service", "operation", "parameters", "expected"), OTHERS)
def test_each_service_names_its_resource_in_its_own_way(
    service: str, operation: str, parameters: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert needs(service, operation, **parameters) == expected
