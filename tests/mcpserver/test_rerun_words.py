"""How a resume tells of cells whose tags say that they fail or are not run."""

from typing import Any

from jlab_mcp.client.models import Execution
from jlab_mcp.mcpserver.session_answers import Rerun, rerun_facts, rerun_words


def ended(index: int, state: str, tag: str | None = None) -> Execution:
    fields: dict[str, Any] = {
        "execution_id": f"execution{index}",
        "cell_id": f"c{index}",
        "cell_index": index,
    }
    return Execution.model_validate({**fields, "state": state, "tag": tag})


def test_tagged_cells_are_told_and_not_counted_as_failed():
    cells = Rerun(
        [
            ended(0, "ok"),
            ended(1, "error", "raises-exception"),
            ended(2, "not_run", "skip-execution"),
            ended(3, "error"),
        ],
        [],
    )
    said = rerun_words(cells).split("\n")
    assert said[0].endswith("1 of 3 code cells succeeded.")
    assert said[1:3] == [
        "Tagged raises-exception, so it failed, as expected: cell 1.",
        "Tagged skip-execution, so it was not run and keeps its outputs: cell 2.",
    ]
    assert [each["cell_index"] for each in rerun_facts(cells)["failed"]] == [3]
    assert [each["tag"] for each in rerun_facts(cells)["tagged"]] == ["raises-exception", "skip-execution"]
