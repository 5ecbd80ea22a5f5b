"""A customer of the stack: drops exports, waits for runs, reads what came of them.

Real everything, on one machine.
"""

from __future__ import annotations

import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from recdrop.local.stack import Stack

T = TypeVar("T")
HEADER = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE"
FIRST_DAY = 1_700_000_000
ONE_SOLUTION = b'[[solution]]\nname = "for-you"\nrecipe = "aws-user-personalization-v2"\n'
DAY = 86_400
INBOX = "notifications"


def purchases(
    seed: int = 1,
    users: int = 80,
    each: int = 30,
    days: int = 100,
    *,
    noise: float = 0.1,
    start: int = FIRST_DAY,
) -> list[str]:
    """CSV rows of users who walk round the items of their own taste: ten items, always in the same
    order.
    """
    rng, rows = random.Random(seed), []
    for user in range(users):
        taste, step = user % 12, rng.randrange(10)
        for n in range(each):
            step = rng.randrange(10) if rng.random() < noise else (step + 1) % 10
            at = start + int(n * days * DAY / each) + rng.randrange(3600)
            rows.append(f"u{user:03d},i{taste:02d}{step},{at},view")
    return rows


def csv(rows: list[str], header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def catalogue() -> bytes:
    rows = [
        f"i{taste:02d}{n},taste-{taste},Thing {taste}-{n}" for taste in range(12) for n in range(10)
    ]
    return csv(rows, "ITEM_ID,TASTE,NAME")


@dataclass
class Shop:
    stack: Stack
    workflow: Any  # a Step Functions client, of whatever endpoint
    state_machine_arn: str
    known: set[str] = field(default_factory=set)
    told: dict[str, str] = field(default_factory=dict)

    def drop(self, files: Mapping[str, bytes]) -> None:
        for key, body in files.items():
            self.stack.boto_client("s3").put_object(
                Bucket=self.stack.outputs["DropBucketName"], Key=key, Body=body
            )

    def executions(self, group: str) -> list[dict[str, Any]]:
        """Newest first, as Step Functions lists them."""
        found = self.workflow.list_executions(stateMachineArn=self.state_machine_arn)["executions"]
        return [
            execution
            for execution in found
            if execution["name"].rsplit("-", 1)[0].startswith(group)
            or f"/{group}-" in execution["name"]
        ]

    def finish(self, group: str, seconds: float = 240) -> dict[str, Any]:
        """The report of the group's next run that was not asked for before, once it has ended."""
        execution = wait_for(lambda: self._ended(group), f"a run of {group} to end", seconds)
        self.known.add(execution["executionArn"])
        report: dict[str, Any] = self.read_work(f"runs/{self.run_name(execution)}/report.json")
        report["execution_status"] = execution["status"]
        return report

    def _ended(self, group: str) -> dict[str, Any] | None:
        new = [e for e in self.executions(group) if e["executionArn"] not in self.known]
        return new[-1] if new and new[-1]["status"] != "RUNNING" else None

    def run_name(self, execution: Mapping[str, Any]) -> str:
        given = self.workflow.describe_execution(executionArn=execution["executionArn"])["input"]
        return str(json.loads(given)["run"])

    def read_work(self, key: str) -> Any:
        return json.load(
            self.stack.boto_client("s3").get_object(
                Bucket=self.stack.outputs["WorkBucketName"], Key=key
            )["Body"]
        )

    def work_keys(self, prefix: str) -> list[str]:
        listed = self.stack.boto_client("s3").list_objects_v2(
            Bucket=self.stack.outputs["WorkBucketName"], Prefix=prefix
        )
        return [item["Key"] for item in listed.get("Contents", ())]

    def ledger(self, pk: str, sk: str) -> dict[str, Any] | None:
        from chalicelib.clients import Clients

        table = Clients().table(self.stack.resources["LedgerTable"])
        return table.get_item(Key={"pk": pk, "sk": sk}, ConsistentRead=True).get("Item")

    def lease_holder(self, group: str) -> object:
        return (self.ledger(f"group#{group}", "lease") or {}).get("holder")

    def expire_lease(self, group: str) -> None:
        """As if its holder had not been heard of for longer than a lease lasts."""
        from chalicelib.clients import Clients

        Clients().table(self.stack.resources["LedgerTable"]).update_item(
            Key={"pk": f"group#{group}", "sk": "lease"},
            UpdateExpression="SET expires = :past",
            ExpressionAttributeValues={":past": 0},
        )

    def get(self, path: str) -> tuple[int, Any]:
        try:
            headers = {"x-api-key": self.stack.api_keys["ReadKey"]}
            request = urllib.request.Request(self.stack.api_url + path, headers=headers)
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def serving(self, group: str, solution: str = "for-you") -> str | None:
        """The version that the campaign itself says it serves."""
        personalize = self.stack.boto_client("personalize")
        for summary in personalize.list_campaigns()["campaigns"]:
            if summary["name"] == f"{group}-{solution}":
                found: str = personalize.describe_campaign(campaignArn=summary["campaignArn"])[
                    "campaign"
                ]["solutionVersionArn"]
                return found
        return None

    def notifications(self, group: str) -> dict[str, str]:
        """Message by subject, of those that the topic sent about the group; an SQS queue is
        subscribed to it.
        """
        sqs = self.stack.boto_client("sqs")
        url = sqs.get_queue_url(QueueName=INBOX)["QueueUrl"]
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            for message in found:
                body = json.loads(message["Body"])
                self.told[body["Subject"]] = body["Message"]
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return {
            subject: message
            for subject, message in self.told.items()
            if subject.startswith(f"recdrop {group}:")
        }

    def plan_personalize_fault(self, rule: Mapping[str, Any]) -> None:
        self._post("/_personalize/faults", [rule])

    def clear_personalize_faults(self) -> None:
        self._post("/_personalize/faults", [])

    def plan_lambda_fault(self, **fault: Any) -> None:
        self._post("/_recdrop/faults", fault)

    def post(self, path: str, body: object, key: str = "ReadKey") -> Any:
        request = urllib.request.Request(
            self.stack.api_url + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "x-api-key": self.stack.api_keys[key]},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def _post(self, path: str, body: object) -> None:
        request = urllib.request.Request(
            self.stack.aws_url + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()


def wait_for(look: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {seconds:.0f} s for {what}.")
        time.sleep(0.1)
    return found
