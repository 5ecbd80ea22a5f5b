from __future__ import annotations

import json

import pytest

from chalicelib.errors import ResourceFailed, ResourcePending
from chalicelib.personalize.backend import Personalize
from tests.chalicelib.town import INTERACTIONS, Servers, Town, persist


@pytest.fixture
def personalize(town: Town) -> Personalize:
    return town.context.personalize


def test_a_group_is_made_once_with_its_domain(personalize: Personalize) -> None:
    for _ in range(2):
        persist(lambda: personalize.ensure_group("domain-group", "ECOMMERCE"))
    arn = personalize.arns.dataset_group("domain-group")
    group = personalize.client.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]
    assert group["domain"] == "ECOMMERCE"


def test_a_group_that_failed_says_why(personalize: Personalize, servers: Servers) -> None:
    servers.plan_fault(operation="CreateDatasetGroup", fault="job", reason="No KMS key.")
    with pytest.raises(ResourceFailed, match=r"'failing': CREATE FAILED: No KMS key"):
        persist(lambda: personalize.ensure_group("failing", None))


def test_a_schema_is_one_per_content(personalize: Personalize) -> None:
    text = INTERACTIONS
    again = json.dumps(json.loads(text), indent=1)
    first = personalize.ensure_schema("g", "interactions", text, None)
    assert personalize.ensure_schema("g", "interactions", again, None) == first
    wider = with_field({"name": "EVENT_TYPE", "type": "string"})
    assert personalize.ensure_schema("g", "interactions", wider, None) != first


def with_field(field: dict[str, object]) -> str:
    record = json.loads(INTERACTIONS)
    record["fields"].append(field)
    return json.dumps(record)


def test_items_move_to_a_schema_that_has_more_columns(personalize: Personalize) -> None:
    persist(lambda: personalize.ensure_group("moving", None))
    old, new = (
        personalize.ensure_schema("moving", "items", items_with(*names), None)
        for names in (("TASTE",), ("TASTE", "COLOUR"))
    )
    persist(lambda: personalize.ensure_dataset("moving", "items", old))
    with pytest.raises(ResourcePending, match="moving to"):
        personalize.ensure_dataset("moving", "items", new)
    persist(lambda: personalize.ensure_dataset("moving", "items", new))
    arn = personalize.arns.dataset("moving", "items")
    assert personalize.client.describe_dataset(datasetArn=arn)["dataset"]["schemaArn"] == new


def items_with(*names: str) -> str:
    columns = [{"name": name, "type": ["null", "string"], "categorical": True} for name in names]
    record = json.loads(INTERACTIONS)
    return json.dumps(
        {**record, "name": "Items", "fields": [{"name": "ITEM_ID", "type": "string"}, *columns]}
    )


def test_a_group_has_one_tracker_whoever_made_it(personalize: Personalize) -> None:
    persist(lambda: personalize.ensure_group("tracked", None))
    arn = personalize.arns.dataset_group("tracked")
    persist(lambda: personalize.ensure_group("tracked", None))
    made = personalize.client.create_event_tracker(name="by-hand", datasetGroupArn=arn)
    assert persist(lambda: personalize.ensure_event_tracker("tracked")) == made["trackingId"]


def test_a_filter_with_another_expression_is_another_filter(personalize: Personalize) -> None:
    persist(lambda: personalize.ensure_group("filtered", None))
    text = with_field({"name": "EVENT_TYPE", "type": "string"})
    schema = personalize.ensure_schema("filtered", "interactions", text, None)
    persist(lambda: personalize.ensure_dataset("filtered", "interactions", schema))
    seen, chosen = (
        persist(lambda text=text: personalize.ensure_filter("filtered", "seen", text))  # type: ignore[misc]
        for text in (
            'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")',
            'INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")',
        )
    )
    assert seen != chosen
