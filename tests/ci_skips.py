"""Turns a skipped test into a failure in CI, where everything that can run must run.

A skip is fine on somebody's laptop without npm; in CI it hides a broken set-up. Reasons that CI cannot mend
are listed in `ALLOWED_REASONS`.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

ALLOWED_REASONS = ("no GPU", "no nvidia-smi", "no AMD tool", "needs a kernel newer than")
"""How the reason of a skip that CI accepts begins."""


def in_ci() -> bool:
    """Say whether this run is CI's: the variable CI is set to anything but a no."""
    return os.environ.get("CI", "").lower() not in {"", "0", "false", "no"}


def _is_forbidden(reason: str) -> bool:
    return in_ci() and not reason.removeprefix("Skipped: ").startswith(ALLOWED_REASONS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that was skipped for a reason CI does not accept."""
    report = yield
    expected_failure = hasattr(report, "wasxfail")
    if report.skipped and not expected_failure and call.excinfo is not None:
        reason = str(call.excinfo.value)
        if _is_forbidden(reason):
            report.outcome = "failed"
            report.longrepr = f"skipped, which CI does not accept: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that was skipped as a whole, for the same reasons."""
    report = yield
    if report.outcome == "skipped" and in_ci():
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if _is_forbidden(reason):
            report.outcome = "failed"
            report.longrepr = f"{collector.nodeid} was skipped, which CI does not accept: {reason}"
    return report
