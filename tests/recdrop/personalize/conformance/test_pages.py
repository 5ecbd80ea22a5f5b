"""Every List operation, page by page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.model import StructureShape

from recdrop.personalize.specification import PERSONALIZE
from recdrop.service.wire.specification import Operation, member_of_kind
from tests.recdrop.personalize.conformance.stage import WITHOUT_QUOTAS, Frozen, Stage, copy_of

PAGED = [
    operation
    for operation in PERSONALIZE.operations.values()
    if "nextToken" in operation.input.members
]


@pytest.fixture(scope="module")
def crowded(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frozen]:
    with copy_of(stage, tmp_path_factory.mktemp("crowded"), WITHOUT_QUOTAS) as client:
        crowd(client, stage)
        yield client


def crowd(client: Frozen, stage: Stage) -> None:
    """Two more of everything that a list can hold."""
    made = stage.record.requests
    for number in range(2):
        for name in (
            "BatchInferenceJob",
            "BatchSegmentJob",
            "DatasetImportJob",
            "DatasetExportJob",
            "DataDeletionJob",
        ):
            client.call(f"Create{name}", **{**made[f"Create{name}"], "jobName": f"page-{number}"})
        for name in ("Campaign", "DatasetGroup", "Filter", "Recommender", "Schema", "Solution"):
            client.call(f"Create{name}", **{**made[f"Create{name}"], "name": f"page-{number}"})
        client.call("CreateSolutionVersion", solutionArn=stage.record.arns["films"])
        group = client.call("CreateDatasetGroup", name=f"page-group-{number}")["datasetGroupArn"]
        client.let_pass(1)
        client.let_pass(1)
        client.call("CreateEventTracker", name="page", datasetGroupArn=group)
        client.call(
            "CreateMetricAttribution",
            **{
                **made["CreateMetricAttribution"],
                "datasetGroupArn": group,
                "name": f"page-{number}",
            },
        )


@pytest.mark.parametrize("operation", PAGED, ids=lambda operation: operation.name)
def test_pages_of_one_add_up_to_the_whole_list(
    crowded: Frozen, stage: Stage, operation: Operation
) -> None:
    request = {
        name: value
        for name, value in stage.record.requests[operation.name].items()
        if name == "metricAttributionArn"
    }
    assert isinstance(operation.output, StructureShape)
    member, _ = member_of_kind(operation.output, "list")
    whole = crowded.call(operation.name, **request)[member]
    pages = [crowded.call(operation.name, maxResults=1, **request)]
    while "nextToken" in pages[-1]:
        pages.append(
            crowded.call(operation.name, maxResults=1, nextToken=pages[-1]["nextToken"], **request)
        )
    assert [entry for page in pages for entry in page[member]] == whole
    assert len(whole) > 2 or operation.name == "ListMetricAttributionMetrics"


@pytest.mark.parametrize("operation", PAGED, ids=lambda operation: operation.name)
def test_a_token_is_good_for_its_own_list_only(
    crowded: Frozen, stage: Stage, operation: Operation
) -> None:
    other = "ListSchemas" if operation.name != "ListSchemas" else "ListDatasetGroups"
    token = crowded.call(other, maxResults=1)["nextToken"]
    answer = crowded.send(
        operation.name, {**stage.record.requests[operation.name], "nextToken": token}
    )
    assert answer.code == "InvalidNextTokenException"
