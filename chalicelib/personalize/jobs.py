"""Import jobs and batch inference jobs. Neither can be deleted, so a used name is spent."""

from __future__ import annotations

from typing import Any

from chalicelib import names
from chalicelib.aws import call
from chalicelib.personalize.calls import Calls
from chalicelib.personalize.ensure import ensure


class Jobs(Calls):
    """Verbs that start a job once and wait for it.

    Raises:
        ResourcePending: of every verb, until its job is done.
        ResourceFailed: of every verb, with the service's reason.
    """

    def ensure_import(self, group: str, dataset: str, run: str, folder: str, mode: str) -> None:
        """Imports a folder (`s3://.../`, at most 256 characters) of CSV files.

        `mode` is FULL or INCREMENTAL; the first bulk import of a dataset must be FULL.
        """
        name = names.import_job(dataset, run)
        arn, dataset_arn = self.arns.import_job(name), self.arns.dataset(group, dataset)
        ensure(
            f"import of {dataset}",
            lambda: self.client.describe_dataset_import_job(datasetImportJobArn=arn)[
                "datasetImportJob"
            ],
            lambda: self.client.create_dataset_import_job(
                jobName=name,
                datasetArn=dataset_arn,
                dataSource={"dataLocation": folder},
                roleArn=self.role_arn,
                importMode="INCREMENTAL"
                if mode == "INCREMENTAL" and self.has_import(dataset_arn)
                else "FULL",
            ),
        )

    def has_import(self, dataset_arn: str) -> bool:
        """Whether bulk data is there already."""
        jobs = call(self.client.list_dataset_import_jobs, datasetArn=dataset_arn)
        return any(job["status"] == "ACTIVE" for job in jobs["datasetImportJobs"])

    def answer_in_bulk(
        self,
        name: str,
        version_arn: str,
        source: str,
        target: str,
        *,
        num_results: int = 25,
        filter_arn: str | None = None,
        segments: bool = False,
    ) -> None:
        """Answers the JSON lines at `source` into the folder `target`, as `<name of source>.out`.

        The answers are items; of a version that makes `segments`, users.
        """
        wanted: Any = {
            "jobName": name,
            "solutionVersionArn": version_arn,
            "numResults": num_results,
            "jobInput": {"s3DataSource": {"path": source}},
            "jobOutput": {"s3DataDestination": {"path": target}},
            "roleArn": self.role_arn,
            **({"filterArn": filter_arn} if filter_arn else {}),
        }
        client = self.client
        if segments:
            job = {"batchSegmentJobArn": self.arns.segment_job(name)}
            ensure(
                f"batch segments {name!r}",
                lambda: client.describe_batch_segment_job(**job)["batchSegmentJob"],
                lambda: client.create_batch_segment_job(**wanted),
            )
        else:
            job = {"batchInferenceJobArn": self.arns.batch_job(name)}
            ensure(
                f"batch inference {name!r}",
                lambda: client.describe_batch_inference_job(**job)["batchInferenceJob"],
                lambda: client.create_batch_inference_job(**wanted),
            )
