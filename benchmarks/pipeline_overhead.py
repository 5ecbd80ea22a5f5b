"""What the pipeline adds to bare import and training.

The same data and the same local Personalize, in one run.

bare      CreateDatasetImportJob and CreateSolutionVersion by hand, polled every 0.1 s, for the
          datasets and the solution of the run
pipeline  from the last dropped byte to the end of the execution: normalising, checking, importing,
          training, scoring, campaign, report

Target: under 10 % plus 5 s. Data: Complete Journey, purchases up to December.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from recdrop.local import unload
from recdrop.local.demo import TIME_SCALE
from recdrop.local.stack import Stack
from recdrop.personalize.control.quotas import load_quotas

GROUP = "overhead"
CONFIG = """\
[source]
complete = "manifest"
columns = { USER_ID = "household_id", ITEM_ID = "product_id", TIMESTAMP = "purchased_at" }
[[solution]]
name = "for-you"
recipe = "aws-user-personalization-v2"
"""


def main() -> int:
    options = {"quotas": load_quotas().adjusted({"dataset_groups": 10})}
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(), scale=TIME_SCALE, personalize_options=options) as stack,
    ):
        export = unload.write_unload(Path(folder) / "export")
        whole, run = measure_pipeline(stack, export)
        bare = measure_bare(stack, run)
    allowed = bare * 1.1 + 5
    print(f"bare import + training  {bare:7.1f} s")
    print(
        f"whole run               {whole:7.1f} s   ratio {whole / bare:.2f}, {whole - bare:+.1f} s"
    )
    print(f"target (x 1.1 + 5 s)    {allowed:7.1f} s   {'met' if whole <= allowed else 'not met'}")
    return 0


def measure_pipeline(stack: Stack, export: unload.Unload) -> tuple[float, str]:
    """Seconds from the last dropped byte to the end, and the run's name."""
    s3, states = stack.boto_client("s3"), stack.boto_client("stepfunctions")
    bucket = stack.outputs["DropBucketName"]
    s3.put_object(Bucket=bucket, Key=f"{GROUP}/recdrop.toml", Body=CONFIG.encode())
    for path in (*export.files, export.manifest):
        s3.upload_file(str(path), bucket, f"{GROUP}/export/{path.relative_to(export.folder)}")
    began = time.monotonic()
    while not (
        found := states.list_executions(stateMachineArn=stack.outputs["PipelineArn"])["executions"]
    ):
        time.sleep(0.05)
    arn = found[0]["executionArn"]
    while (described := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.1)
    seconds = time.monotonic() - began
    if described["status"] != "SUCCEEDED":
        raise SystemExit(f"The run ended {described['status']}: {described.get('cause')}")
    return seconds, str(json.loads(described["input"])["run"])


def measure_bare(stack: Stack, run: str) -> float:
    """Seconds of bare import and training.

    The very files that the pipeline imported go into a second group, and the same recipe is trained.
    """
    personalize, s3 = stack.boto_client("personalize"), stack.boto_client("s3")
    work = stack.outputs["WorkBucketName"]
    data = json.load(s3.get_object(Bucket=work, Key=f"runs/{run}/data.json")["Body"])
    group = personalize.create_dataset_group(name="bare")["datasetGroupArn"]
    settle(lambda: personalize.describe_dataset_group(datasetGroupArn=group)["datasetGroup"])
    datasets = {
        name: make_dataset(personalize, group, name, schema)
        for name, schema in data["schemas"].items()
    }
    began = time.monotonic()
    jobs = [
        personalize.create_dataset_import_job(
            jobName=f"bare-{name}",
            datasetArn=arn,
            dataSource={"dataLocation": f"s3://{work}/clean/{GROUP}/{name}/{run}/"},
            roleArn=stack_role(),
        )["datasetImportJobArn"]
        for name, arn in datasets.items()
    ]
    for job in jobs:
        settle(
            lambda job=job: personalize.describe_dataset_import_job(datasetImportJobArn=job)[
                "datasetImportJob"
            ]
        )
    recipe = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
    solution = personalize.create_solution(
        name="bare", datasetGroupArn=group, recipeArn=recipe, performAutoTraining=False
    )["solutionArn"]
    settle(lambda: personalize.describe_solution(solutionArn=solution)["solution"])
    version = personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    settle(
        lambda: personalize.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
    )
    return time.monotonic() - began


def make_dataset(personalize: Any, group: str, name: str, schema: str) -> str:
    schema_arn = personalize.create_schema(name=f"bare-{name}", schema=schema)["schemaArn"]
    made = personalize.create_dataset(
        name=f"bare-{name}", schemaArn=schema_arn, datasetGroupArn=group, datasetType=name.title()
    )
    arn = str(made["datasetArn"])
    settle(lambda: personalize.describe_dataset(datasetArn=arn)["dataset"])
    return arn


def stack_role() -> str:
    import os

    return os.environ["PERSONALIZE_ROLE_ARN"]


def settle(describe: Any) -> None:
    while (state := describe())["status"] != "ACTIVE":
        if "FAILED" in state["status"]:
            raise SystemExit(f"{state['status']}: {state.get('failureReason')}")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
