"""Gives tests with real servers, browsers and clusters a second try in CI, and shows how the first one failed.

What they wait for happens in other processes, on a machine that others load too, and by timers of their own.
A second try hides nothing: the first failure is in the report, to be looked into, and the closing line counts it.
"""

from __future__ import annotations

import pytest

from tests.ci_skips import in_ci

REAL = ("live", "browser", "clients", "cluster")
"""Marks of the tests that have a second try."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that may be tried twice; failing twice is a failure."""
    if not in_ci():
        return
    for item in items:
        if any(item.get_closest_marker(mark) for mark in REAL):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how each first try failed."""
    reports = terminalreporter.getreports("rerun")
    if reports:
        terminalreporter.section("first tries that failed")
        for report in reports:
            terminalreporter.write_sep("_", report.nodeid)
            terminalreporter.line(report.longreprtext)
