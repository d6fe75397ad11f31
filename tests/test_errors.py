"""The tree of errors."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import jlab_mcp
from docs.generate.errors import page
from jlab_mcp.cli.wording import EXIT_CODES
from jlab_mcp.core.codes import EXPLANATIONS, error_classes
from jlab_mcp.errors import (
    CellNotFound,
    ExitCode,
    JlabMcpError,
    NodeError,
    Remedy,
    SessionNotFound,
    node_error,
)


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [cls.code for cls in error_classes()]
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


@pytest.mark.parametrize("error", list(error_classes()), ids=lambda error: error.code)
def test_every_code_has_a_meaning_and_a_remedy(error: type[JlabMcpError]) -> None:
    meaning, remedy = EXPLANATIONS[error.code]
    for text in (meaning, remedy):
        assert text[:1].isupper() or text.startswith("`")
        assert text.endswith(".")
    assert error.exit_code in EXIT_CODES


def test_no_code_is_explained_that_nothing_has() -> None:
    assert set(EXPLANATIONS) == {error.code for error in error_classes()}


def test_every_refusal_of_the_node_has_a_code_of_the_front() -> None:
    """Two are told by their status: a missing route is another service, a wrong token an unreachable server."""
    tree = ast.parse((Path(jlab_mcp.__file__).parent / "node" / "errors.py").read_text(encoding="utf-8"))
    codes = {
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "code"
        and isinstance(node.value, ast.Constant)
    }
    assert len(codes) > 9
    unnamed = {code for code in codes if type(node_error(str(code), "it broke")) is NodeError}
    assert unnamed == {"no_such_route", "not_authorized"}


def test_the_page_of_the_docs_has_every_code_and_every_exit_status() -> None:
    written = page()
    for error in error_classes():
        section = written.partition(f"### {error.code}\n")[2].partition("\n### ")[0]
        assert EXPLANATIONS[error.code].meaning in section
        assert EXPLANATIONS[error.code].remedy in section
        assert f"Exit status: {error.exit_code}." in section
    assert all(f"| {code.value} | " in written for code in ExitCode)
