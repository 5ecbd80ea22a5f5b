"""Errors as the service names them.

ServiceError
  InvalidInputError        InvalidInputException
  NotFoundError            ResourceNotFoundException
  AlreadyExistsError       ResourceAlreadyExistsException
  InUseError               ResourceInUseException
  LimitExceededError       LimitExceededException
  TooManyTagsError         TooManyTagsException
  TooManyTagKeysError      TooManyTagKeysException
  InvalidNextTokenError    InvalidNextTokenException
  UnmodelledError          ThrottlingException, AccessDeniedException, InternalFailure, ...
JobFailed                  a job's own failure: becomes CREATE FAILED with failureReason
"""

from __future__ import annotations


class ServiceError(Exception):
    """An answer with an error code; `status` holds for json-1.1, the rest-json models may override
    it.
    """

    code = "InternalFailure"
    status = 400

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


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


class UnmodelledError(ServiceError):
    """One of the CommonErrors, or whatever a fault plan asks for."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class JobFailed(Exception):
    """The work itself failed; the text is what Describe shows as failureReason."""
