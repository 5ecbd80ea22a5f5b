"""What is beside recommendations for users: segments, actions, domain recommenders, exports and
deletions.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from tests.recdrop.personalize.driving import (
    ROLE,
    Aws,
    Group,
    deploy,
    interactions,
    make_group,
    schema,
    train,
)

ACTIONS = schema("Actions", {"ACTION_ID": "string", "VALUE": ["null", "double"]})
ACTION_INTERACTIONS = schema(
    "ActionInteractions",
    {"USER_ID": "string", "ACTION_ID": "string", "EVENT_TYPE": "string", "TIMESTAMP": "long"},
)
SHOP_EVENTS = schema(
    "Interactions",
    {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long", "EVENT_TYPE": "string"},
)


def lines(aws: Aws, key: str) -> list[dict[str, Any]]:
    body = aws.s3.get_object(Bucket="data", Key=key)["Body"].read().decode()
    return [json.loads(line) for line in body.splitlines()]


def segment(
    aws: Aws, version: str, name: str, questions: list[dict[str, Any]], **more: Any
) -> list[dict[str, Any]]:
    text = "\n".join(map(json.dumps, questions))
    aws.s3.put_object(Bucket="data", Key=f"segments/{name}.json", Body=text.encode())
    job = aws.personalize.create_batch_segment_job(
        jobName=name,
        solutionVersionArn=version,
        numResults=10,
        jobInput={"s3DataSource": {"path": f"s3://data/segments/{name}.json"}},
        jobOutput={"s3DataDestination": {"path": "s3://data/segments/out/"}},
        roleArn=ROLE,
        **more,
    )["batchSegmentJobArn"]
    done = aws.wait(aws.personalize.describe_batch_segment_job, batchSegmentJobArn=job)
    assert done["status"] == "ACTIVE", done
    return lines(aws, f"segments/out/{name}.json.out")


def test_a_segment_holds_the_users_who_like_the_item(aws: Aws, group: Group) -> None:
    version = train(aws, group, "aws-item-affinity")
    made = aws.personalize.create_filter(
        name="gold",
        datasetGroupArn=group.arn,
        filterExpression='INCLUDE UserID WHERE Users.TIER IN ("gold")',
    )["filterArn"]
    aws.wait(aws.personalize.describe_filter, filterArn=made)
    [found] = segment(aws, version, "item", [{"itemId": "i1"}])
    users = found["output"]["usersList"]
    assert len(users) == 10
    assert sum(int(user[1:]) % 4 == 1 for user in users) >= 7
    [gold] = segment(aws, version, "gold", [{"itemId": "i1"}], filterArn=made)
    assert all(int(user[1:]) % 3 == 0 for user in gold["output"]["usersList"])


def test_a_segment_of_an_attribute(aws: Aws, group: Group) -> None:
    version = train(aws, group, "aws-item-attribute-affinity")
    questions = [{"itemAttributes": 'ITEMS.genre = "drama"'}, {"itemAttributes": "ITEMS.genre ="}]
    good, bad = segment(aws, version, "attribute", questions)
    assert sum(int(user[1:]) % 4 == 1 for user in good["output"]["usersList"]) >= 7
    listed = aws.s3.list_objects_v2(Bucket="data", Prefix="segments/out/")["Contents"]
    assert "segments/out/_CHECK" in {entry["Key"] for entry in listed}
    assert good["input"] == questions[0]
    assert good["error"] is None
    assert "expected a value in double quotes" in bad["error"]


def test_actions_are_recommended_and_learn_from_what_was_taken(aws: Aws, group: Group) -> None:
    tables: dict[str, tuple[str, str, list[list[object]]]] = {
        "ACTIONS": (ACTIONS, "ACTION_ID,VALUE", [[f"a{number}", number] for number in range(5)]),
        "ACTION_INTERACTIONS": (
            ACTION_INTERACTIONS,
            "USER_ID,ACTION_ID,EVENT_TYPE,TIMESTAMP",
            [
                [
                    f"u{user}",
                    f"a{user % 5}",
                    "Taken" if turn % 2 else "Viewed",
                    1_600_000_000 + turn,
                ]
                for user in range(60)
                for turn in range(20)
            ],
        ),
    }
    tracking = ""
    for kind, (avro, header, rows) in tables.items():
        made = aws.personalize.create_schema(name=f"others-{kind}", schema=avro)["schemaArn"]
        dataset = aws.personalize.create_dataset(
            name=kind, schemaArn=made, datasetGroupArn=group.arn, datasetType=kind
        )["datasetArn"]
        tracking = aws.wait(aws.personalize.describe_dataset, datasetArn=dataset).get(
            "trackingId", ""
        )
        job = aws.personalize.create_dataset_import_job(
            jobName=f"others-{kind}",
            datasetArn=dataset,
            dataSource={"dataLocation": aws.upload(f"others/{kind}.csv", header, rows)},
            roleArn=ROLE,
        )["datasetImportJobArn"]
        done = aws.wait(aws.personalize.describe_dataset_import_job, datasetImportJobArn=job)
        assert done["status"] == "ACTIVE", done
    campaign = deploy(aws, train(aws, group, "aws-next-best-action"), "actions")
    found = aws.runtime.get_action_recommendations(campaignArn=campaign, userId="u3", numResults=3)[
        "actionList"
    ]
    assert len({action["actionId"] for action in found}) == 3
    assert [action["score"] for action in found] == sorted(
        (action["score"] for action in found), reverse=True
    )
    aws.events.put_action_interactions(
        trackingId=tracking,
        actionInteractions=[
            {
                "actionId": "a1",
                "userId": "u3",
                "sessionId": "s",
                "timestamp": datetime.now(UTC),
                "eventType": "Taken",
            }
        ],
    )


def test_an_export_holds_bulk_and_streamed_rows_apart(aws: Aws, group: Group) -> None:
    aws.events.put_users(
        datasetArn=group.datasets["USERS"],
        users=[{"userId": "fresh", "properties": '{"age": 33, "tier": "gold"}'}],
    )
    job = aws.personalize.create_dataset_export_job(
        jobName="all",
        datasetArn=group.datasets["USERS"],
        ingestionMode="ALL",
        roleArn=ROLE,
        jobOutput={"s3DataDestination": {"path": "s3://data/export/"}},
    )["datasetExportJobArn"]
    done = aws.wait(aws.personalize.describe_dataset_export_job, datasetExportJobArn=job)
    assert done["status"] == "ACTIVE", done
    bulk, put = (
        aws.s3.get_object(Bucket="data", Key=f"export/all/{part}/data.csv")["Body"]
        .read()
        .decode()
        .splitlines()
        for part in ("bulk", "put")
    )
    assert (bulk[0], len(bulk)) == ("USER_ID,AGE,TIER", 61)
    assert put == ["USER_ID,AGE,TIER", "fresh,33,gold"]


def test_deleted_users_leave_every_dataset(aws: Aws) -> None:
    group = make_group(aws, "forgetful")
    location = aws.upload("forgetful/gone.csv", "USER_ID", [["u1"], ["u2"], ["nobody"]])
    job = aws.personalize.create_data_deletion_job(
        jobName="gone",
        datasetGroupArn=group.arn,
        dataSource={"dataLocation": location},
        roleArn=ROLE,
    )["dataDeletionJobArn"]
    done = aws.wait(aws.personalize.describe_data_deletion_job, dataDeletionJobArn=job)
    assert (done["status"], done["numDeleted"]) == ("COMPLETED", 2 * 30 + 2)


@pytest.mark.parametrize(
    ("domain", "use_cases"),
    [
        ("ECOMMERCE", ["aws-ecomm-recommended-for-you"]),
        pytest.param(
            "ECOMMERCE",
            [
                "aws-ecomm-popular-items-by-views",
                "aws-ecomm-popular-items-by-purchases",
                "aws-ecomm-frequently-bought-together",
                "aws-ecomm-customers-who-viewed-x-also-viewed",
            ],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "VIDEO_ON_DEMAND",
            [
                "aws-vod-top-picks",
                "aws-vod-because-you-watched-x",
                "aws-vod-more-like-x",
                "aws-vod-most-popular",
                "aws-vod-trending-now",
            ],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_recommenders_of_domains_answer(aws: Aws, domain: str, use_cases: list[str]) -> None:
    name = f"{domain.lower().replace('_', '-')}-{len(use_cases)}"
    group = aws.personalize.create_dataset_group(name=name, domain=cast("Any", domain))[
        "datasetGroupArn"
    ]
    aws.wait(aws.personalize.describe_dataset_group, datasetGroupArn=group)
    made = aws.personalize.create_schema(name=name, schema=SHOP_EVENTS, domain=cast("Any", domain))[
        "schemaArn"
    ]
    dataset = aws.personalize.create_dataset(
        name=name, schemaArn=made, datasetGroupArn=group, datasetType="Interactions"
    )["datasetArn"]
    aws.wait(aws.personalize.describe_dataset, datasetArn=dataset)
    types = ("Watch", "Watch") if domain == "VIDEO_ON_DEMAND" else ("View", "Purchase")
    rows = [[*row[:3], types[turn % 2]] for turn, row in enumerate(interactions(users=80, each=40))]
    job = aws.personalize.create_dataset_import_job(
        jobName=name,
        datasetArn=dataset,
        dataSource={
            "dataLocation": aws.upload(f"{name}.csv", "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", rows)
        },
        roleArn=ROLE,
    )["datasetImportJobArn"]
    aws.wait(aws.personalize.describe_dataset_import_job, datasetImportJobArn=job)
    for use_case in use_cases:
        recipe = f"arn:aws:personalize:::recipe/{use_case}"
        made = aws.personalize.create_recommender(
            name=use_case, datasetGroupArn=group, recipeArn=recipe
        )["recommenderArn"]
        done = aws.wait(aws.personalize.describe_recommender, recommenderArn=made)
        assert done["status"] == "ACTIVE", done
        found = aws.runtime.get_recommendations(
            recommenderArn=made, userId="u1", itemId="i1", numResults=3
        )["itemList"]
        assert len(found) == 3
        if use_case == "aws-ecomm-recommended-for-you":
            everything = aws.runtime.get_recommendations(
                recommenderArn=made, userId="u1", numResults=100
            )["itemList"]
            bought = {row[1] for row in rows if row[0] == "u1" and row[3] == "Purchase"}
            assert bought.isdisjoint(item["itemId"] for item in everything)


def test_an_import_reports_what_each_source_brought(aws: Aws, group: Group) -> None:
    sourced = schema(
        "Interactions",
        {
            "USER_ID": "string",
            "ITEM_ID": "string",
            "TIMESTAMP": "long",
            "EVENT_TYPE": "string",
            "EVENT_ATTRIBUTION_SOURCE": ["null", "string"],
        },
    )
    made = aws.personalize.create_schema(name="sourced", schema=sourced)["schemaArn"]
    dataset = group.datasets["INTERACTIONS"]  # whose schema cannot be replaced
    aws.personalize.delete_dataset(datasetArn=dataset)
    aws.wait_until_gone(aws.personalize.describe_dataset, datasetArn=dataset)
    aws.personalize.create_dataset(
        name="sourced", schemaArn=made, datasetGroupArn=group.arn, datasetType="INTERACTIONS"
    )
    aws.wait(aws.personalize.describe_dataset, datasetArn=dataset)
    attribution = aws.personalize.create_metric_attribution(
        name="sales",
        datasetGroupArn=group.arn,
        metrics=[
            {"eventType": "purchase", "metricName": "turnover", "expression": "SUM(Items.PRICE)"},
            {"eventType": "purchase", "metricName": "purchases", "expression": "SAMPLECOUNT()"},
        ],
        metricsOutputConfig={"roleArn": ROLE, "s3DataDestination": {"path": "s3://data/reports/"}},
    )["metricAttributionArn"]
    aws.wait(aws.personalize.describe_metric_attribution, metricAttributionArn=attribution)
    rows: list[list[object]] = [
        [
            f"u{turn % 50}",
            f"i{turn % 2}",
            1_600_000_000 + turn,
            "purchase",
            "mail" if turn < 300 else "",
        ]
        for turn in range(1000)
    ]
    job = aws.personalize.create_dataset_import_job(
        jobName="sourced",
        datasetArn=dataset,
        dataSource={
            "dataLocation": aws.upload(
                "sourced.csv", "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_ATTRIBUTION_SOURCE", rows
            )
        },
        roleArn=ROLE,
        publishAttributionMetricsToS3=True,
    )["datasetImportJobArn"]
    done = aws.wait(aws.personalize.describe_dataset_import_job, datasetImportJobArn=job)
    assert done["status"] == "ACTIVE", done
    [key] = [
        entry["Key"]
        for entry in aws.s3.list_objects_v2(Bucket="data", Prefix="reports/")["Contents"]
    ]
    report = aws.s3.get_object(Bucket="data", Key=key)["Body"].read().decode().splitlines()
    assert key.startswith("reports/AggregatedAttributionMetrics - sourced - ")
    assert [line.rsplit(",", 1)[0] for line in report] == [
        "METRIC_NAME,EVENT_TYPE,VALUE,MATH_FUNCTION,EVENT_ATTRIBUTION_SOURCE",
        "purchases,purchase,700.0,samplecount,SOURCE_NAME_UNDEFINED",
        "purchases,purchase,300.0,samplecount,mail",
        "turnover,purchase,525.0,sum,SOURCE_NAME_UNDEFINED",
        "turnover,purchase,225.0,sum,mail",
    ]


def unseen(aws: Aws, version: str, name: str, seen: str) -> list[str]:
    """What u1 is recommended in bulk with the filter `seen`."""
    aws.s3.put_object(Bucket="data", Key=f"{name}/in/users.json", Body=b'{"userId": "u1"}')
    job = aws.personalize.create_batch_inference_job(
        jobName=name,
        solutionVersionArn=version,
        numResults=5,
        filterArn=seen,
        jobInput={"s3DataSource": {"path": f"s3://data/{name}/in/"}},
        jobOutput={"s3DataDestination": {"path": f"s3://data/{name}/out/"}},
        roleArn=ROLE,
    )["batchInferenceJobArn"]
    done = aws.wait(aws.personalize.describe_batch_inference_job, batchInferenceJobArn=job)
    assert done["status"] == "ACTIVE", done
    [line] = lines(aws, f"{name}/out/users.json.out")
    return cast("list[str]", line["output"]["recommendedItems"])


def import_more(aws: Aws, group: Group, name: str, rows: list[list[object]], mode: str) -> Any:
    job = aws.personalize.create_dataset_import_job(
        jobName=name,
        datasetArn=group.datasets["INTERACTIONS"],
        dataSource={
            "dataLocation": aws.upload(f"{name}.csv", "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", rows)
        },
        roleArn=ROLE,
        importMode=cast("Any", mode),
    )["datasetImportJobArn"]
    return aws.wait(aws.personalize.describe_dataset_import_job, datasetImportJobArn=job)


def test_batch_inference_sees_bulk_data_as_of_the_latest_version(aws: Aws) -> None:
    group = make_group(aws, "bulk")
    version = train(aws, group, "aws-user-personalization-v2")
    seen = aws.personalize.create_filter(
        name="bulk-seen",
        datasetGroupArn=group.arn,
        filterExpression='EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view")',
    )["filterArn"]
    aws.wait(aws.personalize.describe_filter, filterArn=seen)
    before = unseen(aws, version, "bulk-before", seen)
    views: list[list[object]] = [["u1", item, 1_700_000_000, "view"] for item in before]
    filling = interactions(seed=2)[:1_000]
    assert (
        import_more(aws, group, "bulk-more", views + filling, "INCREMENTAL")["status"] == "ACTIVE"
    )
    assert unseen(aws, version, "bulk-after-import", seen) == before
    aws.personalize.create_solution_version(solutionArn=version.rpartition("/")[0])
    after = unseen(aws, version, "bulk-after-version", seen)  # its training need not be over
    assert after
    assert set(after).isdisjoint(before)


def test_an_incremental_import_holds_a_gigabyte_and_here_300_kb(aws: Aws) -> None:
    group = make_group(aws, "heavy")
    much = interactions(users=400)
    failed = import_more(aws, group, "heavy-more", much, "INCREMENTAL")
    assert failed["status"] == "CREATE FAILED"
    assert "Expected at most 300,000" in failed["failureReason"]
    assert import_more(aws, group, "heavy-again", much, "FULL")["status"] == "ACTIVE"
