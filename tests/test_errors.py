"""The tree of errors."""

from __future__ import annotations

from collections.abc import Iterator

from jlab_mcp.cli.wording import EXIT_CODES
from jlab_mcp.errors import CellNotFound, ExitCode, JlabMcpError, NodeError, node_error


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
    assert type(node_error("something_new", "what")) is NodeError
