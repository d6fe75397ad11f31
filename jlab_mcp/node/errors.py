"""Failures that the node API reports, each with a stable code and an HTTP status."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A request that cannot be done.

    Attributes:
        status: HTTP status of the answer.
        code: stable word that the front maps to its own error.
        message: one sentence saying what happened.
        data: further facts, plain JSON.
    """

    status = 400
    code = "bad_request"

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.data = data

    def as_json(self) -> dict[str, Any]:
        """The error object of an answer."""
        return {"error": {"code": self.code, "message": self.message, "data": self.data}}


class NoSuchRoute(ApiError):
    """The API has no such method and path."""

    status = 404
    code = "no_such_route"


class BadRequest(ApiError):
    """The request itself is malformed."""


class NotAuthorized(ApiError):
    """The request does not carry the server's token."""

    status = 401
    code = "not_authorized"


class SessionNotFound(ApiError):
    """No session has the given id."""

    status = 404
    code = "session_not_found"


class ExecutionNotFound(ApiError):
    """No execution has the given id."""

    status = 404
    code = "execution_not_found"


class CellMissing(ApiError):
    """The notebook has no such cell."""

    status = 404
    code = "cell_not_found"


class NotebookNotFound(ApiError):
    """There is no file at the given path."""

    status = 404
    code = "notebook_not_found"


class PathOutsideRoot(ApiError):
    """The path leads out of the notebook folder."""

    status = 403
    code = "path_outside_root"


class NotebookInvalid(ApiError):
    """The file is no notebook of nbformat 4."""

    status = 422
    code = "not_a_notebook"


class KernelUnknown(ApiError):
    """No kernel spec has the wanted name; `data["available"]` lists those there are."""

    status = 422
    code = "kernel_unknown"


class KernelStartFailed(ApiError):
    """The kernel process ended, or stayed silent, before it answered."""

    status = 500
    code = "kernel_start_failed"


class NotebookUnwritable(ApiError):
    """The notebook file or its folder cannot be written."""

    status = 409
    code = "notebook_unwritable"
