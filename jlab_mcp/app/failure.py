"""A failure as JSON, for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jlab_mcp.errors import JlabMcpError


class Failure(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(frozen=True)

    code: str = Field(description="Stable: `jlab-mcp explain CODE` says what it means.")
    message: str = Field(description="One sentence, without a full stop.")
    hints: list[str] = Field(default=[], description="What to do about it, a sentence each.")
    exit_code: int = Field(description="The command's exit status.")
    details: dict[str, Any] = Field(default={}, description="Facts by name; never a secret.")


class FailureReport(BaseModel):
    """What a command with `--json` prints in place of its answer when it fails."""

    model_config = ConfigDict(frozen=True)

    error: Failure


def report(error: JlabMcpError, hints: Sequence[str]) -> FailureReport:
    """Make the report of a failure; what JSON cannot hold is written as text."""
    details = {key: value for key, value in error.details.items() if key != "hints"}
    failure = Failure(
        code=error.code, message=error.message, hints=list(hints), exit_code=error.exit_code, details=details
    )
    return FailureReport.model_validate_json(FailureReport(error=failure).model_dump_json(fallback=str))
