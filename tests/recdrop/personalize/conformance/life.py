"""A full life of every kind of resource: each of the 79 operations once with good input, in an
order that makes sense.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.recdrop.personalize.conformance.client import Client

USERS, FILMS, EVENTS_EACH, OFFERS = 40, 60, 30, 5
START = 1_700_000_000
ROLE = "arn:aws:iam::000000000000:role/personalize"
TAGS = [{"tagKey": "team", "tagValue": "films"}]
STEADY = ("ACTIVE", "INACTIVE", "COMPLETED", "CREATE STOPPED")
PATIENCE_SECONDS = 120

SCHEMAS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "INTERACTIONS": (
        "Interactions",
        [
            {"name": "USER_ID", "type": "string"},
            {"name": "ITEM_ID", "type": "string"},
            {"name": "TIMESTAMP", "type": "long"},
            {"name": "EVENT_TYPE", "type": "string"},
        ],
    ),
    "ITEMS": (
        "Items",
        [
            {"name": "ITEM_ID", "type": "string"},
            {"name": "GENRES", "type": "string", "categorical": True},
            {"name": "PRICE", "type": ["null", "float"]},
        ],
    ),
    "USERS": ("Users", [{"name": "USER_ID", "type": "string"}, {"name": "AGE", "type": "int"}]),
    "ACTIONS": (
        "Actions",
        [{"name": "ACTION_ID", "type": "string"}, {"name": "VALUE", "type": ["null", "double"]}],
    ),
    "ACTION_INTERACTIONS": (
        "ActionInteractions",
        [
            {"name": "USER_ID", "type": "string"},
            {"name": "ACTION_ID", "type": "string"},
            {"name": "EVENT_TYPE", "type": "string"},
            {"name": "TIMESTAMP", "type": "long"},
        ],
    ),
}


def avro(dataset_type: str) -> str:
    name, fields = SCHEMAS[dataset_type]
    namespace = "com.amazonaws.personalize.schema"
    return json.dumps(
        {"type": "record", "name": name, "namespace": namespace, "fields": fields, "version": "1.0"}
    )


def exports() -> dict[str, bytes]:
    """The CSV files in the bucket.

    Users of one half watch comedies (even films), of the other half dramas.
    """
    events = [
        (f"u{user}", f"f{(user % 2 + 2 * (user + 7 * n)) % FILMS}", START + 60 * n, "View")
        for user in range(USERS)
        for n in range(EVENTS_EACH)
    ]
    films = [
        (f"f{film}", "Drama|Old" if film % 2 else "Comedy", 1 + film / 10) for film in range(FILMS)
    ]
    taken = [(f"u{user}", f"a{user % OFFERS}", "Taken", START + user) for user in range(USERS)]
    return {
        "in/interactions.csv": _csv("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", events),
        "in/items.csv": _csv("ITEM_ID,GENRES,PRICE", films),
        "in/users.csv": _csv("USER_ID,AGE", [(f"u{user}", 20 + user) for user in range(USERS)]),
        "in/actions.csv": _csv(
            "ACTION_ID,VALUE", [(f"a{offer}", offer) for offer in range(OFFERS)]
        ),
        "in/action-interactions.csv": _csv("USER_ID,ACTION_ID,EVENT_TYPE,TIMESTAMP", taken),
        "in/batch.json": b'{"userId": "u1"}\n{"userId": "u2"}\n',
        "in/segments.json": b'{"itemId": "f1"}\n',
        "in/gone.csv": b"USER_ID\nu39\n",
    }


def _csv(header: str, rows: list[tuple[Any, ...]]) -> bytes:
    return "\n".join([header, *(",".join(map(str, row)) for row in rows), ""]).encode()


@dataclass
class Record:
    """The first good request of each operation and what it answered (JSON)."""

    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    arns: dict[str, str] = field(default_factory=dict)
    failure: str | None = None


@dataclass
class Life:
    client: Client
    record: Record = field(default_factory=Record)

    def do(self, operation: str, /, **request: Any) -> Mapping[str, Any]:
        answer = self.client.call(operation, **request)
        self.record.requests.setdefault(operation, request)
        self.record.answers.setdefault(
            operation, json.loads(json.dumps(answer, default=lambda moment: moment.timestamp()))
        )
        return answer

    def arn(self, name: str) -> str:
        return self.record.arns[name]

    def make(self, label: str, operation: str, /, **request: Any) -> str:
        """Create a resource and remember its ARN under `label`."""
        answer = self.do(operation, **request)
        [arn] = [value for name, value in answer.items() if name.endswith("Arn")]
        self.record.arns[label] = arn
        return str(arn)

    def until_steady(self, noun: str, *labels: str) -> None:
        for label in labels:
            self._until_steady(noun, self.arn(label))

    def _until_steady(self, noun: str, arn: str) -> None:
        member = noun[0].lower() + noun[1:]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            described = self.do(f"Describe{noun}", **{f"{member}Arn": arn})[member]
            updates = [
                value["status"]
                for name, value in described.items()
                if name.startswith("latest") and name.endswith("Update")
            ]
            statuses = [described["status"], *updates]
            if all(status in STEADY for status in statuses):
                return
            assert "FAILED" not in str(statuses), (
                f"{arn} is in {statuses}: {described.get('failureReason')}"
            )
            assert time.monotonic() < deadline, (
                f"{arn} is still in {statuses} after {PATIENCE_SECONDS} s"
            )
            time.sleep(0.02)

    def until_gone(self, noun: str, arn: str) -> None:
        member = noun[0].lower() + noun[1:]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (
            self.client.send(f"Describe{noun}", {f"{member}Arn": arn}).code
            != "ResourceNotFoundException"
        ):
            assert time.monotonic() < deadline, f"{arn} is still there after {PATIENCE_SECONDS} s"
            time.sleep(0.02)

    # -- the chapters

    def build(self) -> None:
        """Everything there is, ACTIVE and trained."""
        self.make_groups()
        self.import_data()
        self.stream_data()
        self.train()
        self.deploy()
        self.run_jobs()

    def make_groups(self) -> None:
        for kind in SCHEMAS:
            self.make(
                f"schema {kind}", "CreateSchema", name=f"studio-{kind.lower()}", schema=avro(kind)
            )
        self.make(
            "schema shop",
            "CreateSchema",
            name="shop-interactions",
            schema=avro("INTERACTIONS"),
            domain="ECOMMERCE",
        )
        self.make("group", "CreateDatasetGroup", name="studio", tags=TAGS)
        self.make("shop", "CreateDatasetGroup", name="shop", domain="ECOMMERCE")
        for name in ("spare", "bare"):
            self.make(name, "CreateDatasetGroup", name=name)
        self.until_steady("DatasetGroup", "group", "shop", "spare", "bare")

    def import_data(self) -> None:
        for kind in SCHEMAS:
            request = {
                "name": f"studio-{kind.lower()}",
                "schemaArn": self.arn(f"schema {kind}"),
                "datasetType": kind,
            }
            self.make(kind, "CreateDataset", datasetGroupArn=self.arn("group"), **request)
        request = {
            "name": "shop-interactions",
            "schemaArn": self.arn("schema shop"),
            "datasetType": "Interactions",
        }
        self.make("shop INTERACTIONS", "CreateDataset", datasetGroupArn=self.arn("shop"), **request)
        self.until_steady("Dataset", *SCHEMAS, "shop INTERACTIONS")
        for kind in SCHEMAS:
            self.import_csv(kind, kind)
        self.until_steady("DatasetImportJob", *(f"import {kind}" for kind in SCHEMAS))
        self.import_csv("shop INTERACTIONS", "INTERACTIONS")
        self.until_steady("DatasetImportJob", "import shop INTERACTIONS")

    def import_csv(self, dataset: str, file: str) -> None:
        source = {"dataLocation": f"s3://bucket/in/{file.lower().replace('_', '-')}.csv"}
        request = {
            "jobName": dataset.lower().replace(" ", "-"),
            "datasetArn": self.arn(dataset),
            "dataSource": source,
        }
        self.make(
            f"import {dataset}",
            "CreateDatasetImportJob",
            roleArn=ROLE,
            importMode="FULL",
            **request,
        )

    def stream_data(self) -> None:
        self.make("tracker", "CreateEventTracker", name="web", datasetGroupArn=self.arn("group"))
        self.until_steady("EventTracker", "tracker")
        tracker = self.do("DescribeEventTracker", eventTrackerArn=self.arn("tracker"))[
            "eventTracker"
        ]
        event = {"eventType": "View", "itemId": "f2", "sentAt": START + 5000}
        self.do(
            "PutEvents",
            trackingId=tracker["trackingId"],
            userId="u1",
            sessionId="s1",
            eventList=[event],
        )
        self.do(
            "PutItems",
            datasetArn=self.arn("ITEMS"),
            items=[{"itemId": "new", "properties": '{"genres": "Comedy", "price": 2.5}'}],
        )
        self.do(
            "PutUsers",
            datasetArn=self.arn("USERS"),
            users=[{"userId": "new", "properties": '{"age": 44}'}],
        )
        self.do(
            "PutActions",
            datasetArn=self.arn("ACTIONS"),
            actions=[{"actionId": "new", "properties": '{"value": 3.5}'}],
        )
        actions = self.do("DescribeDataset", datasetArn=self.arn("ACTION_INTERACTIONS"))["dataset"]
        taken = {
            "actionId": "a1",
            "userId": "u1",
            "sessionId": "s1",
            "timestamp": START + 5000,
            "eventType": "Taken",
        }
        self.do(
            "PutActionInteractions", trackingId=actions["trackingId"], actionInteractions=[taken]
        )

    def train(self) -> None:
        recipes = {
            "films": "aws-user-personalization",
            "ranking": "aws-personalized-ranking",
            "fans": "aws-item-affinity",
            "offers": "aws-next-best-action",
        }
        for name, recipe in recipes.items():
            arn = f"arn:aws:personalize:::recipe/{recipe}"
            self.make(
                name,
                "CreateSolution",
                name=name,
                datasetGroupArn=self.arn("group"),
                recipeArn=arn,
                performAutoTraining=False,
            )
        self.until_steady("Solution", *recipes)
        for name in recipes:
            self.make(
                f"{name} version",
                "CreateSolutionVersion",
                solutionArn=self.arn(name),
                name="first",
                trainingMode="FULL",
            )
        recipe = "arn:aws:personalize:::recipe/aws-ecomm-popular-items-by-views"
        config = {"minRecommendationRequestsPerSecond": 2}
        self.make(
            "popular",
            "CreateRecommender",
            name="popular",
            datasetGroupArn=self.arn("shop"),
            recipeArn=recipe,
            recommenderConfig=config,
        )
        self.until_steady("SolutionVersion", *(f"{name} version" for name in recipes))
        self.until_steady("Recommender", "popular")
        self.do("GetSolutionMetrics", solutionVersionArn=self.arn("films version"))

    def deploy(self) -> None:
        for name in ("films", "ranking", "offers"):
            version = self.arn(f"{name} version")
            config = (
                {"campaignConfig": {"enableMetadataWithRecommendations": True}}
                if name == "films"
                else {}
            )
            self.make(
                f"{name} campaign",
                "CreateCampaign",
                name=name,
                solutionVersionArn=version,
                minProvisionedTPS=1,
                **config,
            )
        group = self.arn("group")
        expression = "INCLUDE ItemID WHERE Items.GENRES IN ($GENRE)"
        self.make(
            "genre",
            "CreateFilter",
            name="genre",
            datasetGroupArn=group,
            filterExpression=expression,
        )
        metric = {"eventType": "View", "metricName": "views", "expression": "SAMPLECOUNT()"}
        output = {"roleArn": ROLE, "s3DataDestination": {"path": "s3://bucket/metrics/"}}
        request = {"datasetGroupArn": group, "metrics": [metric], "metricsOutputConfig": output}
        self.make("attribution", "CreateMetricAttribution", name="views", **request)
        self.until_steady("Campaign", "films campaign", "ranking campaign", "offers campaign")
        self.until_steady("Filter", "genre")
        self.until_steady("MetricAttribution", "attribution")

    def run_jobs(self) -> None:
        for kind, name, version, file in (
            ("Inference", "nightly", "films", "batch"),
            ("Segment", "mailing", "fans", "segments"),
        ):
            request = {
                "solutionVersionArn": self.arn(f"{version} version"),
                "jobInput": {"s3DataSource": {"path": f"s3://bucket/in/{file}.json"}},
                "jobOutput": {"s3DataDestination": {"path": f"s3://bucket/out/{file}/"}},
            }
            self.make(
                name, f"CreateBatch{kind}Job", jobName=name, roleArn=ROLE, numResults=5, **request
            )
        output = {"s3DataDestination": {"path": "s3://bucket/out/export/"}}
        request = {
            "datasetArn": self.arn("INTERACTIONS"),
            "ingestionMode": "ALL",
            "jobOutput": output,
        }
        self.make("export", "CreateDatasetExportJob", jobName="export", roleArn=ROLE, **request)
        source = {"dataLocation": "s3://bucket/in/gone.csv"}
        group = self.arn("group")
        self.make(
            "forget",
            "CreateDataDeletionJob",
            jobName="forget",
            datasetGroupArn=group,
            dataSource=source,
            roleArn=ROLE,
        )
        self.until_steady("BatchInferenceJob", "nightly")
        self.until_steady("BatchSegmentJob", "mailing")
        self.until_steady("DatasetExportJob", "export")
        self.until_steady("DataDeletionJob", "forget")

    def live(self) -> None:
        """Use everything that was built."""
        self.recommend()
        self.look_around()
        self.tag()
        self.change()

    def recommend(self) -> None:
        campaign = self.arn("films campaign")
        chosen = {"filterArn": self.arn("genre"), "filterValues": {"GENRE": '"Comedy"'}}
        self.do(
            "GetRecommendations",
            campaignArn=campaign,
            userId="u1",
            numResults=10,
            metadataColumns={"ITEMS": ["GENRES"]},
            **chosen,
        )
        self.do("GetRecommendations", recommenderArn=self.arn("popular"), userId="u1")
        self.do(
            "GetPersonalizedRanking",
            campaignArn=self.arn("ranking campaign"),
            userId="u1",
            inputList=["f1", "f2", "unknown"],
        )
        self.do(
            "GetActionRecommendations",
            campaignArn=self.arn("offers campaign"),
            userId="u1",
            numResults=3,
        )

    def look_around(self) -> None:
        group = {"datasetGroupArn": self.arn("group"), "maxResults": 100}
        for noun in (
            "Datasets",
            "DataDeletionJobs",
            "EventTrackers",
            "Filters",
            "MetricAttributions",
            "Recommenders",
            "Solutions",
        ):
            self.do(f"List{noun}", **group)
        version = self.arn("films version")
        self.do("ListBatchInferenceJobs", solutionVersionArn=version)
        self.do("ListBatchSegmentJobs", solutionVersionArn=self.arn("fans version"))
        self.do("ListCampaigns", solutionArn=self.arn("films"))
        self.do("ListSolutionVersions", solutionArn=self.arn("films"))
        self.do("ListDatasetExportJobs", datasetArn=self.arn("INTERACTIONS"))
        self.do("ListDatasetImportJobs", datasetArn=self.arn("INTERACTIONS"))
        self.do("ListDatasetGroups")
        self.do("ListSchemas", maxResults=2)
        self.do("ListMetricAttributionMetrics", metricAttributionArn=self.arn("attribution"))
        self.do("ListRecipes", recipeProvider="SERVICE")
        self.do("DescribeSchema", schemaArn=self.arn("schema INTERACTIONS"))
        recipe = self.do(
            "DescribeRecipe", recipeArn="arn:aws:personalize:::recipe/aws-user-personalization"
        )["recipe"]
        self.do("DescribeAlgorithm", algorithmArn=recipe["algorithmArn"])
        self.do(
            "DescribeFeatureTransformation",
            featureTransformationArn=recipe["featureTransformationArn"],
        )

    def tag(self) -> None:
        group = self.arn("group")
        self.do("TagResource", resourceArn=group, tags=[{"tagKey": "stage", "tagValue": "test"}])
        tags = self.do("ListTagsForResource", resourceArn=group)["tags"]
        assert tags == [{"tagKey": "stage", "tagValue": "test"}, *TAGS]
        self.do("UntagResource", resourceArn=group, tagKeys=["stage"])

    def change(self) -> None:
        stopped = self.make(
            "stopped version", "CreateSolutionVersion", solutionArn=self.arn("films")
        )
        self.do("StopSolutionVersionCreation", solutionVersionArn=stopped)
        self.do("UpdateCampaign", campaignArn=self.arn("films campaign"), minProvisionedTPS=2)
        self.do("UpdateSolution", solutionArn=self.arn("films"), performAutoTraining=True)
        self.do("UpdateDataset", datasetArn=self.arn("USERS"), schemaArn=self.arn("schema USERS"))
        metric = {"eventType": "Buy", "metricName": "sales", "expression": "SAMPLECOUNT()"}
        self.do(
            "UpdateMetricAttribution",
            metricAttributionArn=self.arn("attribution"),
            addMetrics=[metric],
            removeMetrics=["views"],
        )
        self.do(
            "UpdateRecommender",
            recommenderArn=self.arn("popular"),
            recommenderConfig={"minRecommendationRequestsPerSecond": 3},
        )
        self.until_steady("SolutionVersion", "stopped version")
        self.until_steady("Campaign", "films campaign")
        self.until_steady("Solution", "films")
        self.until_steady("Dataset", "USERS")
        self.until_steady("Recommender", "popular")
        self.do("StopRecommender", recommenderArn=self.arn("popular"))
        self.until_steady("Recommender", "popular")
        self.do("StartRecommender", recommenderArn=self.arn("popular"))
        self.until_steady("Recommender", "popular")

    def tear_down(self) -> None:
        """In the order the service asks for: users before what they use."""
        for noun, labels in (
            ("Recommender", ["popular"]),
            ("Campaign", ["films campaign", "ranking campaign", "offers campaign"]),
            ("Filter", ["genre"]),
            ("MetricAttribution", ["attribution"]),
            ("EventTracker", ["tracker"]),
            ("Solution", ["films", "ranking", "fans", "offers"]),
            ("Dataset", [*SCHEMAS, "shop INTERACTIONS"]),
            ("DatasetGroup", ["group", "shop", "spare", "bare"]),
            ("Schema", [*(f"schema {kind}" for kind in SCHEMAS), "schema shop"]),
        ):
            member = f"{noun[0].lower()}{noun[1:]}Arn"
            for label in labels:
                self.do(f"Delete{noun}", **{member: self.arn(label)})
            for label in labels:
                self.until_gone(noun, self.arn(label))
