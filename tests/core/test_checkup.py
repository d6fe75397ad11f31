"""What follows from what checks found."""

from __future__ import annotations

from jlab_mcp.core.checkup import (
    Check,
    Finding,
    Level,
    Result,
    blocked,
    counts,
    exit_code,
    failed,
    fine,
    result_of,
    unchecked,
)
from jlab_mcp.errors import ExitCode


async def _look(_: None) -> Finding:
    return fine("all is well")


def _check(id_: str, *needs: str) -> Check[None]:
    return Check(id_, f"the {id_}", _look, needs=needs)


def _failed(id_: str, code: ExitCode = ExitCode.CONFIG) -> Result:
    return result_of(_check(id_), failed("it is wrong", code=code))


def _fine(id_: str) -> Result:
    return result_of(_check(id_), fine("it is right"))


def test_a_check_is_made_where_all_that_it_needs_is_in_order_or_was_left_out() -> None:
    assert blocked(_check("second", "first", "absent"), {"first": _fine("first")}) is None
    warned = result_of(_check("first"), Finding(Level.WARNING, "hm"))
    assert blocked(_check("second", "first"), {"first": warned}) is None
    left_out = result_of(_check("first"), unchecked("nobody can tell"))
    assert blocked(_check("second", "first"), {"first": left_out}) is None


def test_a_check_that_needs_a_failed_one_says_because_of_which() -> None:
    first = _failed("first")
    second = blocked(_check("second", "first"), {"first": first})
    assert second
    assert (second.level, second.blocked_by) == (Level.NOT_CHECKED, "first")
    assert second.found == "the check `the first` failed"
    third = blocked(_check("third", "second"), {"first": first, "second": second})
    assert third
    assert (third.blocked_by, third.found) == ("first", second.found)


def test_the_exit_code_is_that_of_the_first_failure_and_warnings_are_none() -> None:
    warned = result_of(_check("w"), Finding(Level.WARNING, "hm", exit_code=ExitCode.CONFIG))
    assert exit_code([_fine("a"), warned]) is ExitCode.OK
    both = [_fine("a"), warned, _failed("b", ExitCode.NO_SLURM), _failed("c", ExitCode.CONFIG)]
    assert exit_code(both) is ExitCode.NO_SLURM
    assert counts(both) == {"ok": 1, "warning": 1, "failed": 2, "not_checked": 0}


def test_a_result_has_what_mends_it_or_null() -> None:
    result = result_of(_check("a"), failed("wrong", code=ExitCode.CONFIG, fix="do this", command="true"))
    assert (result.fix, result.command) == ("do this", "true")
    assert (_fine("a").fix, _fine("a").command) == (None, None)
