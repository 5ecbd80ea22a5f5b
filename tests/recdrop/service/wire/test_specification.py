"""The kit on a service that is not Personalize: botocore's model of SageMaker."""

from __future__ import annotations

import json

import pytest

from recdrop.service.errors import ServiceError
from recdrop.service.wire.messages import answer, parse
from recdrop.service.wire.specification import Specification

SAGEMAKER = Specification("sagemaker", ("sagemaker",), "SageMaker.")


class ValidationError(ServiceError):
    code = "ValidationException"


def test_operations_are_found_by_their_target_and_only_their_own() -> None:
    found = SAGEMAKER.find("SageMaker.CreateTrainingJob", "POST", "/")
    assert found is not None
    assert (found.verb, found.noun) == ("Create", "TrainingJob")
    assert found.errors["ResourceInUse"] == 400
    assert SAGEMAKER.find("AmazonPersonalize.ListSchemas", "POST", "/") is None
    assert SAGEMAKER.find("SageMaker.DanceAllNight", "POST", "/") is None


def test_every_operation_of_the_model_is_read() -> None:
    assert len(SAGEMAKER.operations) > 300
    assert SAGEMAKER.by_path == {}


def test_the_services_own_error_says_what_its_model_does_not_allow() -> None:
    operation = SAGEMAKER.operations["DescribeTrainingJob"]
    with pytest.raises(ValidationError, match=r"1 validation error detected.*at 'TrainingJobName'"):
        parse(operation, b"{}", ValidationError)
    body = b'{"TrainingJobName": "a"}'
    assert parse(operation, body, ValidationError) == {"TrainingJobName": "a"}


def test_a_shape_that_holds_itself_is_checked_as_deep_as_the_request_goes() -> None:
    operation = SAGEMAKER.operations["Search"]
    wrong = {"SubExpressions": [{"SubExpressions": [{"Operator": "Perhaps"}]}]}
    body = json.dumps({"Resource": "TrainingJob", "SearchExpression": wrong}).encode()
    where = "SubExpressions.1.member.SubExpressions.1.member.Operator"
    with pytest.raises(ValidationError, match=rf"at 'SearchExpression\.{where}'"):
        parse(operation, body, ValidationError)


def test_patterns_of_java_are_read() -> None:
    operation = SAGEMAKER.operations["CreateProject"]
    request = {"ProjectName": "p", "ProjectDescription": "Über 100 € – naïve, e\u0301!"}
    assert parse(operation, json.dumps(request).encode(), ValidationError) == request
    request["ProjectDescription"] = "\x07"
    with pytest.raises(ValidationError, match="regular expression pattern"):
        parse(operation, json.dumps(request).encode(), ValidationError)


def test_an_answer_carries_what_the_model_knows() -> None:
    operation = SAGEMAKER.operations["DescribeTrainingJob"]
    reply = answer(operation, {"TrainingJobName": "a", "secret": 1, "FailureReason": None}, "id")
    assert reply.body == b'{"TrainingJobName":"a"}'
