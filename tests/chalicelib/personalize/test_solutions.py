from __future__ import annotations

import msgspec
import pytest

from chalicelib.config.sections import Solution
from chalicelib.errors import ConfigurationError, Missing
from chalicelib.personalize.solutions import solution_config
from chalicelib.runs import Run
from tests.chalicelib.town import persist


def test_a_version_is_trained_once_per_run_whatever_is_retried(promoted: Run) -> None:
    personalize, solution = promoted.context.personalize, promoted.solution("for-you")
    version = promoted.ledger.version(promoted.name, "for-you")
    before = versions_of(promoted)
    assert persist(lambda: personalize.train(promoted.group, solution, promoted.name)) == version
    assert versions_of(promoted) == before


def versions_of(run: Run) -> list[str]:
    personalize = run.context.personalize
    arn = personalize.arns.solution("promoted-for-you")
    found = personalize.client.list_solution_versions(solutionArn=arn)["solutionVersions"]
    return sorted(version["solutionVersionArn"] for version in found)


def test_personalize_does_not_train_beside_the_pipeline(promoted: Run) -> None:
    personalize = promoted.context.personalize
    arn = personalize.arns.solution("promoted-for-you")
    solution = personalize.client.describe_solution(solutionArn=arn)["solution"]
    assert solution["performAutoTraining"] is False


def test_a_solution_cannot_change_its_recipe(promoted: Run) -> None:
    other = Solution(name="for-you", recipe="aws-sims")
    with pytest.raises(ConfigurationError, match="give the new one another name"):
        promoted.context.personalize.train(promoted.group, other, "another-run")


def test_a_trained_version_has_metrics_of_the_services_own(promoted: Run) -> None:
    version = promoted.ledger.version(promoted.name, "for-you")
    assert version is not None
    promoted.context.personalize.check_trained(version)
    assert "coverage" in promoted.context.personalize.own_metrics(version)


def test_a_version_that_is_not_there_is_missing(promoted: Run) -> None:
    arn = promoted.context.personalize.arns.solution("promoted-for-you") + "/none"
    with pytest.raises(Missing):
        promoted.context.personalize.check_trained(arn)


def test_the_config_becomes_what_create_solution_wants() -> None:
    solution = Solution(
        name="s",
        recipe="aws-sims",
        settings={"popularity_discount_factor": 0.5, "recency_mask": True, "text": "as is"},
        event_weights={"purchase": 1.0},
        event_value_threshold=0.00001,
    )
    assert solution_config(solution) == {
        "algorithmHyperParameters": {
            "popularity_discount_factor": "0.5",
            "recency_mask": "true",
            "text": "as is",
        },
        "eventsConfig": {"eventParametersList": [{"eventType": "purchase", "weight": 1.0}]},
        "eventValueThreshold": "0.00001",
    }
    assert solution_config(Solution(name="s", recipe="aws-sims")) == {}


def test_the_event_type_that_counts_is_the_solutions_own_and_stays(promoted: Run) -> None:
    personalize, views = (
        promoted.context.personalize,
        Solution(name="v", recipe="aws-sims", event_type="view"),
    )
    persist(lambda: personalize.train(promoted.group, views, promoted.name))
    arn = personalize.arns.solution("promoted-v")
    assert personalize.client.describe_solution(solutionArn=arn)["solution"]["eventType"] == "view"
    buys = msgspec.structs.replace(views, event_type="buy", event_value_threshold=2.5)
    with pytest.raises(ConfigurationError, match="was made with event_type 'view'"):
        persist(lambda: personalize.train(promoted.group, buys, promoted.name))
    above = msgspec.structs.replace(buys, name="a", event_type="view")
    persist(lambda: personalize.train(promoted.group, above, promoted.name))
    made = personalize.client.describe_solution(solutionArn=personalize.arns.solution("promoted-a"))
    assert made["solution"]["solutionConfig"]["eventValueThreshold"] == "2.5"
