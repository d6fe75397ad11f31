"""The tree of errors."""

from __future__ import annotations

from collections.abc import Iterator

from jlab_mcp.cli.wording import EXIT_CODES
from jlab_mcp.errors import (
    CellNotFound,
    ExitCode,
    JlabMcpError,
    NodeError,
    Remedy,
    SessionNotFound,
    node_error,
)


def _tree(root: type[JlabMcpError]) -> Iterator[type[JlabMcpError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [cls.code for cls in _tree(JlabMcpError)]
    assert len(codes) == len(set(codes))
    assert all(code.startswith("JLM-") for code in codes)


def test_every_exit_code_is_explained() -> None:
    assert set(EXIT_CODES) == set(ExitCode)


def test_a_code_of_the_node_becomes_its_own_class_and_an_unknown_one_the_base() -> None:
    assert isinstance(node_error("cell_not_found", "no cell 9.", {"total": 3}), CellNotFound)
    assert node_error("cell_not_found", "no cell 9.", {"total": 3}).details["total"] == 3
    lost = node_error("session_not_found", "it is lost", {"notebook_path": "/a/b.ipynb"})
    assert (type(lost), lost.remedy) == (SessionNotFound, Remedy.REOPEN_NOTEBOOK)
    assert node_error("session_not_found", "never seen").remedy is Remedy.LIST_SESSIONS
    assert type(node_error("something_new", "what")) is NodeError
