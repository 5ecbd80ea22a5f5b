"""`recdrop forget`: users leave a dataset group, in Personalize and in the pipeline's own files."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from recdrop.cli.common import FINDINGS, RUN_FAILED, USAGE, CliError, json_option, print_json
from recdrop.cli.forgetting import USER_COLUMN, mentions, without
from recdrop.cli.options import on_target
from recdrop.cli.runs import SEARCHED, Runs
from recdrop.cli.target import Target

if TYPE_CHECKING:
    from chalicelib.buckets import Bucket
    from chalicelib.ledger import Ledger

POLL_SECONDS = 1.0
ENDED = {"ACTIVE", "COMPLETED", "FAILED"}
NOTHING_DONE = "no such dataset group"


@dataclass
class Forgotten:
    """What was done. `rewritten` counts the rows that left each object of ours.

    `dropped` are the files of the drop bucket that name one of the users, `unread` those for which
    this cannot be told; they are the user's, and stay.
    """

    group: str
    users: int
    job: str | None = None
    status: str = NOTHING_DONE
    rewritten: dict[str, int] = field(default_factory=dict)
    versions: int = 0
    dropped: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)


@click.command(
    help="Erase users (USER ...) from dataset group --group: Personalize deletes their data, and the "
    "pipeline's own files are written anew without them. What lies in the drop bucket is named, not "
    "changed. Exit code 1 when something is left to do there."
)
@click.argument("users", metavar="USER...", nargs=-1, required=True)
@click.option("--group", required=True, help="The dataset group.")
@click.option(
    "--wait/--no-wait",
    default=True,
    help="Wait for Personalize's deletion job, which may take a day on AWS. [default: wait]",
)
@on_target
@json_option
def command(target: Target, users: tuple[str, ...], group: str, wait: bool, as_json: bool) -> int:
    """Forget, and report."""
    if not all(user.strip() for user in users):
        raise CliError(USAGE, f"Users are {list(users)!r}. Expected ids that are not empty.")
    place = Place.of(target, group)
    place.check_idle()
    done = place.forget(frozenset(users), wait)
    if as_json:
        print_json(vars(done))
    else:
        show(done)
    return FINDINGS if done.dropped or done.unread else 0


def show(done: Forgotten) -> None:
    """The report; it names keys and counts, no user."""
    click.echo(f"Group {done.group}, {done.users} users")
    click.echo(f"  Personalize   {done.status}" + (f"  {done.job}" if done.job else ""))
    click.echo(
        f"  written anew  {len(done.rewritten)} objects, {done.versions} old versions deleted"
    )
    for key, rows in done.rewritten.items():
        click.echo(f"    {key}  {rows:,} rows")
    for key in done.dropped:
        click.echo(f"  in the drop bucket: {key}")
    for key in done.unread:
        click.echo(f"  in the drop bucket, cannot be searched: {key}")
    click.echo("Left to you:")
    for line in done.todo:
        click.echo(f"  - {line}")


@dataclass(frozen=True)
class Place:
    """A dataset group of a running stack, and all that holds something of it."""

    group: str
    drop: Bucket
    work: Bucket
    ledger: Ledger
    personalize: Any
    runs: Runs
    role: str

    @classmethod
    def of(cls, target: Target, group: str) -> Place:
        """Of a running recdrop."""
        from chalicelib.buckets import Bucket

        return cls(
            group=group,
            drop=Bucket(target.client("s3"), target.drop_bucket),
            work=target.work,
            ledger=target.ledger,
            personalize=target.client("personalize"),
            runs=Runs(target),
            role=target.output("PersonalizeRoleArn"),
        )

    def check_idle(self) -> None:
        """A run would write again what is taken out here.

        Raises:
            CliError: one is going on.
        """
        runs = self.runs.newest(SEARCHED, self.group)
        going = [run.name for run in runs if run.status == "RUNNING"]
        if going:
            raise CliError(
                USAGE,
                f"Run {going[0]!r} of group {self.group!r} is going on, and reads these users.",
                "Wait for it (recdrop wait), then forget them.",
            )

    def forget(self, users: Collection[str], wait: bool) -> Forgotten:
        """Everything, in the order in which nothing comes back."""
        done = Forgotten(self.group, len(users))
        self.delete_in_personalize(users, wait, done)
        for key in self.own_keys():
            self.rewrite(key, users, done)
        done.versions = sum(self.delete_old_versions(prefix) for prefix in self.prefixes())
        self.search_dropped(users, done)
        done.todo = to_do(done, self.drop.name)
        return done

    def delete_in_personalize(self, users: Collection[str], wait: bool, done: Forgotten) -> None:
        """Its own deletion job, over a list of the users that is deleted afterwards.

        Raises:
            CliError: the job failed.
        """
        from chalicelib import layout
        from chalicelib.personalize.arns import Arns

        arns = Arns.beside(self.role, self.personalize.meta.region_name)
        name = f"forget-{time.time_ns()}"
        key = layout.forgotten_users(self.group, name)
        self.work.write(key, user_list(users), "text/csv")
        try:
            done.job = self.personalize.create_data_deletion_job(
                jobName=name,
                datasetGroupArn=arns.dataset_group(self.group),
                dataSource={"dataLocation": self.work.url(key)},
                roleArn=self.role,
            )["dataDeletionJobArn"]
        except self.personalize.exceptions.ResourceNotFoundException:
            self.delete(key)
            return
        done.status = "deletion job started; its list of users is deleted by the bucket's lifecycle"
        if not wait:
            return
        job = self.await_job(str(done.job))
        self.delete(key)
        if job["status"] == "FAILED":
            reason = job.get("failureReason", "no reason given")
            raise CliError(RUN_FAILED, f"The deletion job failed: {reason}. Nothing else was done.")
        done.status = f"{job.get('numDeleted', 0):,} records deleted"

    def await_job(self, arn: str) -> dict[str, Any]:
        """The deletion job once it has ended."""
        while True:
            job: dict[str, Any] = self.personalize.describe_data_deletion_job(
                dataDeletionJobArn=arn
            )["dataDeletionJob"]
            if job["status"] in ENDED:
                return job
            time.sleep(POLL_SECONDS)

    def prefixes(self) -> Iterator[str]:
        """All folders of the work bucket that hold something of the group."""
        yield from (
            f"{folder}/{self.group}/"
            for folder in ("clean", "sampled", "quarantine", "results", "segments", "forget")
        )
        for run in sorted({key.split("/")[1] for key in self.work.keys("runs/")}):
            record = self.ledger.run(run)
            if record is not None and record.group == self.group:
                yield f"runs/{run}/"

    def own_keys(self) -> Iterator[str]:
        """Every object there."""
        for prefix in self.prefixes():
            yield from self.work.keys(prefix)

    def rewrite(self, key: str, users: Collection[str], done: Forgotten) -> None:
        """Write an object anew without the users; the page of a report is made anew with it."""
        left = without(key, self.work.read(key), users)
        if left is None:
            return
        self.work.write(key, left.body)
        done.rewritten[key] = left.gone
        if key.endswith("/report.json"):
            self.rewrite_page(key, left.body)

    def rewrite_page(self, key: str, body: bytes) -> None:
        """The page shows what the report holds."""
        from chalicelib import documents
        from chalicelib.reports.page import page

        report = documents.decode(body, documents.RunReport, key)
        self.work.write(key.replace("report.json", "report.html"), page(report), "text/html")

    def delete(self, key: str) -> None:
        """The object; its versions go with all others."""
        self.work.client.delete_object(Bucket=self.work.name, Key=key)

    def delete_old_versions(self, prefix: str) -> int:
        """How many there were: the bucket keeps what was written over for a week."""
        pages = self.work.client.get_paginator("list_object_versions")
        count = 0
        for page in pages.paginate(Bucket=self.work.name, Prefix=prefix):
            old = [version for version in page.get("Versions", ()) if not version["IsLatest"]]
            for version in (*old, *page.get("DeleteMarkers", ())):
                self.work.client.delete_object(
                    Bucket=self.work.name, Key=version["Key"], VersionId=version["VersionId"]
                )
            count += len(old)
        return count

    def search_dropped(self, users: Collection[str], done: Forgotten) -> None:
        """The drop bucket's files are the user's own; written anew they would be a new export."""
        for key in self.drop.keys(f"{self.group}/"):
            if key.endswith("/recdrop.toml"):
                continue
            found = mentions(self.drop.read(key), users)
            if found is None:
                done.unread.append(key)
            elif found:
                done.dropped.append(key)


def to_do(done: Forgotten, bucket: str) -> list[str]:
    """What nobody but the user can do."""
    lines = ["Delete the users at the source, or the next full export brings them back."]
    if done.dropped or done.unread:
        lines.append(
            f"Delete the files named above from s3://{bucket} with all their versions"
            " (kept for 30 days after a delete); that starts no run."
        )
    lines.append(
        "Drop an export or wait for the next retraining: models that were trained before still hold"
        " what they learned from these users."
    )
    return lines


def user_list(users: Collection[str]) -> str:
    """What CreateDataDeletionJob reads: a column of user ids."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        [[USER_COLUMN], *([user] for user in sorted(users))]
    )
    return out.getvalue()
