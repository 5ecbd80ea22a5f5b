"""Import jobs and batch inference jobs.

Neither can be deleted, so a used name is spent: names carry the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.personalize.arns import Arns
from chalicelib.personalize.ensure import State, ensure

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient


def ensure_import(
    client: PersonalizeClient,
    arns: Arns,
    group: str,
    dataset: str,
    *,
    name: str,
    folder: str,
    role_arn: str,
    mode: str,
) -> State:
    """Imports a folder (`s3://.../`, at most 256 characters) of CSV files.

    `mode` is FULL or INCREMENTAL.
    """
    arn, dataset_arn = arns.import_job(name), arns.dataset(group, dataset)
    return ensure(
        f"import of {dataset}",
        lambda: client.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"],
        lambda: client.create_dataset_import_job(
            jobName=name,
            datasetArn=dataset_arn,
            dataSource={"dataLocation": folder},
            roleArn=role_arn,
            importMode="FULL"
            if mode == "FULL" or not has_import(client, dataset_arn)
            else "INCREMENTAL",
        ),
    )


def has_import(client: PersonalizeClient, dataset_arn: str) -> bool:
    """Whether bulk data is there already: the first bulk import of a dataset must be FULL."""
    jobs = client.list_dataset_import_jobs(datasetArn=dataset_arn)["datasetImportJobs"]
    return any(job["status"] == "ACTIVE" for job in jobs)


def ensure_batch(
    client: PersonalizeClient,
    arns: Arns,
    *,
    name: str,
    version_arn: str,
    source: str,
    target: str,
    role_arn: str,
    num_results: int = 25,
    filter_arn: str | None = None,
) -> State:
    """Answers the JSON lines at `source` into the folder `target`, as `<name of source>.out`."""
    arn = arns.batch_job(name)
    extra: Any = {"filterArn": filter_arn} if filter_arn else {}
    return ensure(
        f"batch inference {name!r}",
        lambda: client.describe_batch_inference_job(batchInferenceJobArn=arn)["batchInferenceJob"],
        lambda: client.create_batch_inference_job(
            jobName=name,
            solutionVersionArn=version_arn,
            numResults=num_results,
            jobInput={"s3DataSource": {"path": source}},
            jobOutput={"s3DataDestination": {"path": target}},
            roleArn=role_arn,
            **extra,
        ),
    )
