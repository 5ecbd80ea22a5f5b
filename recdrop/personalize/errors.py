"""Errors as Amazon Personalize names them, each a ServiceError.

InvalidInputError        InvalidInputException
NotFoundError            ResourceNotFoundException
AlreadyExistsError       ResourceAlreadyExistsException
InUseError               ResourceInUseException
LimitExceededError       LimitExceededException
TooManyTagsError         TooManyTagsException
TooManyTagKeysError      TooManyTagKeysException
InvalidNextTokenError    InvalidNextTokenException
"""

from __future__ import annotations

from recdrop.service.errors import ServiceError


class InvalidInputError(ServiceError):
    code = "InvalidInputException"


class NotFoundError(ServiceError):
    code = "ResourceNotFoundException"

    @classmethod
    def of(cls, arn: str) -> NotFoundError:
        return cls(f"Resource Arn {arn} does not exist.")


class AlreadyExistsError(ServiceError):
    code = "ResourceAlreadyExistsException"

    @classmethod
    def of(cls, arn: str) -> AlreadyExistsError:
        return cls(f"Another resource with Arn {arn} already exists.")


class InUseError(ServiceError):
    code = "ResourceInUseException"


class LimitExceededError(ServiceError):
    code = "LimitExceededException"


class TooManyTagsError(ServiceError):
    code = "TooManyTagsException"


class TooManyTagKeysError(ServiceError):
    code = "TooManyTagKeysException"


class InvalidNextTokenError(ServiceError):
    code = "InvalidNextTokenException"

    @classmethod
    def of(cls, token: str) -> InvalidNextTokenError:
        return cls(
            f"The token {token!r} is not one that this list operation gave for these parameters."
        )
