"""From a SAM template to one that moto creates: what is kept, cut, resolved, and refused."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from recdrop.local.aws import slimmoto
from recdrop.local.events.sources import EventSource
from recdrop.local.template import (
    SERVED_TYPES,
    LocalTemplate,
    TemplateError,
    build,
    inline_definition,
    read_definition,
    read_subscription,
    refers_to,
    without,
)
from recdrop.local.templatecache import FOLDER, cached
from recdrop.project import scratch
from tests.recdrop.conftest import SAMPLE

MERGE = Path("infrastructure", "resources.json")


@pytest.fixture(scope="module")
def template() -> LocalTemplate:
    """The sample's template."""
    return build(SAMPLE, SAMPLE / MERGE, None, "recdrop")


def test_what_moto_cannot_create_is_cut_and_counted(template: LocalTemplate) -> None:
    types = {resource["Type"] for resource in template.body["Resources"].values()}
    assert types <= set(SERVED_TYPES)
    assert template.cut["AWS::ApiGateway::RestApi"] == 1
    assert not refers_to(template.body, {"RestAPI", "Alarm"})


def test_every_served_type_is_known_to_moto() -> None:
    slimmoto.install()
    from moto.cloudformation.parsing import resource_class_from_type

    assert [kind for kind in SERVED_TYPES if resource_class_from_type(kind) is None] == []


def test_event_sources_keep_the_settings_of_the_application(template: LocalTemplate) -> None:
    output = "OnExportOnExportSqsEventSourceSource"
    assert template.event_sources == (
        EventSource("OnExport", output, batch_size=5, reports_failures=True),
    )
    assert template.body["Outputs"][output] == {"Value": {"Fn::GetAtt": ["DropQueue", "Arn"]}}
    assert template.notifying_buckets == ("DropBucket",)


def test_the_api_has_its_stage_routes_and_binary_types(template: LocalTemplate) -> None:
    assert template.api is not None
    assert template.api.stage == "api"
    assert "/hello/{name}" in template.api.swagger["paths"]
    assert "image/png" in template.api.binary_types


@pytest.mark.parametrize(
    "properties",
    [
        {
            "DefinitionString": {"Fn::Join": ["\n", ["{$$.X}", "${Train}"]]},
            "DefinitionSubstitutions": {"Train": "arn"},
        },
        {"DefinitionString": "{$$.X}\n${Train}", "DefinitionSubstitutions": {"Train": "arn"}},
        {"DefinitionString": {"Fn::Sub": ["{$$.X}\n${Train}", {"Train": "arn"}]}},
    ],
)
def test_definitions_of_every_form_become_one_join(properties: dict[str, Any]) -> None:
    inline_definition(properties)
    assert properties == {"DefinitionString": {"Fn::Join": ["", ["{$$.X}\n", "arn", ""]]}}


def test_placeholders_without_a_substitution_are_references() -> None:
    properties: dict[str, Any] = {
        "DefinitionString": {"Fn::Sub": "${Topic} ${Train.Arn} ${AWS::Region}"}
    }
    inline_definition(properties)
    _, parts = properties["DefinitionString"]["Fn::Join"]
    assert parts[1::2] == [
        {"Ref": "Topic"},
        {"Fn::GetAtt": ["Train", "Arn"]},
        {"Ref": "AWS::Region"},
    ]


def test_a_definition_with_an_unknown_policy_is_no_template(tmp_path: Path) -> None:
    machine = {"StartAt": "Train", "States": {"Train": {"Type": "Task", "Retry": ["patience"]}}}
    (tmp_path / "pipeline.asl.json").write_text(json.dumps(machine))
    with pytest.raises(TemplateError, match="'Train' is retried by 'patience'"):
        read_definition(tmp_path, "pipeline.asl.json")


def test_a_definition_object_is_written_as_text() -> None:
    properties: dict[str, Any] = {"Definition": {"StartAt": "A"}}
    inline_definition(properties)
    assert json.loads("".join(properties["DefinitionString"]["Fn::Join"][1])) == {"StartAt": "A"}


def test_a_subscription_that_has_a_condition_passes_it_on() -> None:
    outputs: dict[str, Any] = {}
    properties = {"TopicArn": {"Ref": "T"}, "Endpoint": {"Ref": "Email"}, "Protocol": "email"}
    read_subscription("Mail", properties, outputs, "HasEmail")
    assert [output["Condition"] for output in outputs.values()] == ["HasEmail"] * 2


def test_references_to_what_was_cut_become_text() -> None:
    value = {
        "a": {"Ref": "Api"},
        "b": [{"Fn::Sub": "https://${Api}/${Api.Stage}/${Table}"}],
        "c": {"Ref": "Table"},
    }
    assert without({"Api": {}}, value) == {
        "a": "local-Api",
        "b": [{"Fn::Sub": "https://local-Api/local-Api/${Table}"}],
        "c": {"Ref": "Table"},
    }


def test_a_folder_that_is_no_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        TemplateError,
        match=r"No \.chalice/config\.json in '.*Expected the root of a Chalice project",
    ):
        build(tmp_path, None, None, "recdrop")


def test_a_missing_merge_template_is_named() -> None:
    with pytest.raises(TemplateError, match=r"No merge template at '/no/such\.json'"):
        build(SAMPLE, Path("/no/such.json"), None, "recdrop")


def test_the_cache_answers_until_something_changes(tmp_path: Path) -> None:
    project = tmp_path / "sample"
    shutil.copytree(SAMPLE, project, ignore=shutil.ignore_patterns(".recdrop", "__pycache__"))
    first = cached(project, project / MERGE, None, "recdrop")
    (kept,) = (scratch(project) / FOLDER).iterdir()
    again = cached(project, project / MERGE, None, "recdrop")
    assert (again.body, again.event_sources, again.api) == (
        first.body,
        first.event_sources,
        first.api,
    )
    kept.write_text("{damaged")
    assert cached(project, project / MERGE, None, "recdrop").body == first.body
    (project / "app.py").write_text(
        (project / "app.py").read_text().replace("rate(1 minute)", "rate(2 minutes)")
    )
    sys.modules.pop("app")
    changed = cached(project, project / MERGE, None, "recdrop")
    assert (
        changed.body["Resources"]["TickTickEvent"]["Properties"]["ScheduleExpression"]
        == "rate(2 minutes)"
    )
    assert len(list((scratch(project) / FOLDER).iterdir())) == 1
