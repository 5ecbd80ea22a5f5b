"""What can go wrong in any service.

ServiceError       an answer with an error code; each service derives its own from it
  UnmodelledError  one of AWS's common errors, or whatever a fault plan asks for
JobFailed          a job's own failure: its resource fails, and says why
"""

from __future__ import annotations


class ServiceError(Exception):
    """An answer with an error code.

    `status` holds for json-1.1. The models of rest-json services may say another one.
    """

    code = "InternalFailure"
    status = 400

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnmodelledError(ServiceError):
    """One of AWS's common errors, or whatever a fault plan asks for."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class JobFailed(Exception):
    """The work itself failed; the text is what Describe shows as failureReason."""
