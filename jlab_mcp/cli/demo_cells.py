"""The cells that the demo runs, and what must come of each."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcp_types import CallToolResult
    from PIL.Image import Image


class StepFailed(Exception):
    """A step of the demo did not do what it should.

    Attributes:
        step: which one.
        why: one sentence, without a full stop.
        hint: what mends it, if that is known.
        code: exit code of the command that the step ran.
    """

    def __init__(
        self, step: str, why: str, hint: str | None = None, *, code: int = ExitCode.UNEXPECTED
    ) -> None:
        super().__init__(why)
        self.step, self.why, self.hint, self.code = step, why, hint, code


@dataclass(frozen=True)
class DemoCell:
    """Code, and the check of its answer; `check` is told which interpreter runs the kernels."""

    code: str
    check: Callable[[CallToolResult, str], None]


def open_picture(encoded: str, step: str) -> tuple[Image, int]:
    """Decode a picture in full, and say how many bytes it has.

    Raises:
        StepFailed: it is none.
    """
    from PIL import Image, UnidentifiedImageError

    data = base64.b64decode(encoded)
    try:
        picture = Image.open(io.BytesIO(data))
        picture.load()
    except (UnidentifiedImageError, OSError) as error:
        raise StepFailed(step, f"the picture cannot be decoded: {error}") from None
    return picture, len(data)


def check_notebook(path: Path) -> int:
    """Check that the notebook on disk is valid and executed; return how many cells were executed.

    Raises:
        StepFailed: it is not.
    """
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise StepFailed("check the notebook", f"`{path}` is no valid notebook: {error}") from None
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    if counts != list(range(1, len(CELLS) + 1)):
        raise StepFailed("check the notebook", f"`{path}` should hold {len(CELLS)} executed cells: {counts}")
    if any("image/png" in out.get("data", {}) for cell in notebook.cells for out in cell.get("outputs", [])):
        return len(counts)
    raise StepFailed("check the notebook", f"`{path}` does not hold the picture")


def _text(answer: CallToolResult) -> str:
    return "\n".join(block.text for block in answer.content if block.type == "text")


def _expect_state(answer: CallToolResult, state: str) -> None:
    facts: dict[str, Any] = answer.structured_content or {}
    if facts.get("state") != state:
        raise StepFailed("execute_code", f"the cell should end with `{state}`, not `{facts.get('state')}`")


def _expect_text(*wanted: str) -> Callable[[CallToolResult, str], None]:
    def check(answer: CallToolResult, _python: str) -> None:
        _expect_state(answer, "ok")
        for piece in wanted:
            if piece not in _text(answer).splitlines():
                raise StepFailed("execute_code", f"`{piece}` should stand in the answer")

    return check


def _expect_picture(answer: CallToolResult, python: str) -> None:
    facts: dict[str, Any] = answer.structured_content or {}
    error = facts.get("error") or {}
    if error.get("ename") == "ModuleNotFoundError":
        raise StepFailed(
            "execute_code", f"`{python}` has no matplotlib", f"`{python} -m pip install matplotlib`"
        )
    _expect_state(answer, "ok")
    pictures = [block for block in answer.content if block.type == "image"]
    if not pictures:
        raise StepFailed("execute_code", "the answer holds no picture")
    for block in pictures:
        open_picture(block.data, "execute_code")


def _expect_error(answer: CallToolResult, _python: str) -> None:
    _expect_state(answer, "error")
    error = (answer.structured_content or {}).get("error") or {}
    if error.get("ename") != "ZeroDivisionError" or "ZeroDivisionError" not in _text(answer):
        raise StepFailed("execute_code", f"the error should be a ZeroDivisionError, not {error}")


CELLS = (
    DemoCell(
        "answer = 6 * 7\nprint('state is kept between cells')",
        _expect_text("state is kept between cells"),
    ),
    DemoCell("answer", _expect_text("42")),
    DemoCell(
        """\
class Table:
    def __init__(self, head, *rows):
        self.rows = (head, *rows)

    def __repr__(self):
        return "\\n".join("  ".join(f"{cell!s:>8}" for cell in row) for row in self.rows)

    def _repr_html_(self):
        rows = ("".join(f"<td>{cell}</td>" for cell in row) for row in self.rows)
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"

Table(("n", "square"), *((n, n * n) for n in range(1, 5)))""",
        _expect_text("       n    square", "       4        16"),
    ),
    DemoCell(
        """\
import matplotlib.pyplot as plt

plt.plot([n / 10 for n in range(100)], [(n / 10) ** 2 for n in range(100)])
plt.title("a parabola")
plt.show()""",
        _expect_picture,
    ),
    DemoCell("answer / 0", _expect_error),
)
