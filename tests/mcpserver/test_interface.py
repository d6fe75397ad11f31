"""The published interface: names, parameters, hints and sizes; no server is needed."""

import inspect

import pytest
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp_types import ListToolsResult

from jlab_mcp.errors import ConfigError, JlabMcpError, NoServer, Remedy, ServerUnreachable
from jlab_mcp.mcpserver import wording
from jlab_mcp.mcpserver.instructions import INSTRUCTIONS
from jlab_mcp.mcpserver.server import JlabServer, build

PUBLISHED = {
    "start_new_session": ["experiment_name"],
    "start_session_resume_notebook": ["experiment_name", "notebook_path"],
    "start_session_continue_notebook": ["experiment_name", "notebook_path"],
    "execute_code": ["session_id", "code"],
    "edit_cell": ["session_id", "cell_index", "code"],
    "add_markdown": ["session_id", "markdown"],
    "execute_scratch": ["code"],
    "get_output": [],
    "cancel_execution": ["execution_id"],
    "interrupt_kernel": ["session_id"],
    "shutdown_session": ["session_id"],
    "ping": [],
    "list_profiles": [],
    "check_resources": [],
    "run_cell": ["session_id", "cell_index"],
    "delete_cell": ["session_id", "cell_index"],
    "read_notebook": [],
    "list_sessions": [],
    "restart_kernel": ["session_id"],
    "start_server": [],
    "wait_for_server": [],
    "stop_server": [],
}


@pytest.fixture(scope="module")
def server() -> JlabServer:
    return build()


async def test_tools_have_the_published_names_and_parameters(server: JlabServer):
    tools = {tool.name: tool.input_schema.get("required", []) for tool in await server.list_tools()}
    assert tools == PUBLISHED


async def test_the_list_of_tools_is_short(server: JlabServer):
    listed = ListToolsResult(tools=await server.list_tools())
    assert len(listed.model_dump_json(by_alias=True, exclude_none=True).encode()) <= 14_000  # as it is sent
    assert len(INSTRUCTIONS.encode()) <= 2_048
    for tool in listed.tools:
        assert tool.description
        assert tool.output_schema is None


async def test_hints_are_set_and_truthful(server: JlabServer):
    hints = {tool.name: tool.annotations for tool in await server.list_tools()}
    readers = {name for name, hint in hints.items() if hint and hint.read_only_hint}
    assert readers == {
        "read_notebook",
        "get_output",
        "list_sessions",
        "list_profiles",
        "ping",
        "check_resources",
        "wait_for_server",
    }
    harmless = {name for name, hint in hints.items() if hint and hint.destructive_hint is False}
    assert harmless == {
        "start_new_session",
        "start_session_continue_notebook",
        "add_markdown",
        "start_server",
    }
    assert all(hint is not None and hint.open_world_hint is not None for hint in hints.values())


async def test_resources_and_templates_have_the_published_addresses(server: JlabServer):
    listed = {str(each.uri): each for each in await server.list_resources()}
    templates = {each.uri_template: each for each in await server.list_resource_templates()}
    assert {
        "jlab-mcp://server/status", "jlab-mcp://profiles", "jlab-mcp://sessions", "jlab-mcp://notebooks",
    } <= set(listed)  # fmt: skip
    assert set(templates) == {
        "jlab-mcp://profiles/{name}", "jlab-mcp://sessions/{id}", "jlab-mcp://notebooks/{+path}",
    }  # fmt: skip
    kinds = {each.mime_type for each in listed.values()} | {each.mime_type for each in templates.values()}
    assert kinds <= {"application/json", "text/plain"}
    assert all(each.name and each.description for each in listed.values())
    assert all(each.name and each.description for each in templates.values())


async def test_prompts_have_the_published_names_and_arguments(server: JlabServer):
    prompts = {
        each.name: [(argument.name, argument.required) for argument in each.arguments or []]
        for each in await server.list_prompts()
    }
    assert prompts == {
        "explore-data": [("path", True), ("question", False), ("profile", False)],
        "resume-work": [("notebook", False), ("session", False)],
    }


def test_every_remedy_has_words():
    for remedy in Remedy:
        said = wording.error_words(JlabMcpError("it broke", remedy=remedy))
        assert said.startswith("It broke.")
        assert (remedy is Remedy.NONE) == (said == "It broke.")


def test_several_problems_and_a_log_are_shown():
    said = wording.error_words(ConfigError(["one is wrong", "two is wrong"]))
    assert "one is wrong" in said
    assert "two is wrong" in said
    error = JlabMcpError("it broke", details={"log_tail": ["a", "b"], "log_file": "/x.log"})
    assert wording.error_words(error) == "It broke. The log ends:\na\nb Log file: /x.log"


def test_a_call_without_an_answer_says_by_which_id_to_ask_for_it() -> None:
    error = ServerUnreachable("it is silent", remedy=Remedy.RETRY, details={"execution_id": "ab12"})
    assert wording.error_words(error).endswith("ask what became of it: `get_output` with execution_id ab12")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("the server is gone.", "The server is gone."),
        ("lnk/x lies outside", "lnk/x lies outside."),
        ("experiment_name is empty", "experiment_name is empty."),
        ("~/näive is not a folder", "~/näive is not a folder."),
    ],
)
def test_a_sentence_leaves_names_and_paths_as_they_are_written(message: str, said: str):
    assert wording.error_words(JlabMcpError(message)) == said


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("run_cell", {"session_id": "x", "cell": 1}, "`cell`: there is no such argument"),
        ("delete_cell", {"session_id": "x", "cell_indx": 1}, "did you mean `cell_index`?"),
        ("execute_code", {"session_id": "x", "code": "1", "timeout": 5}, "session_id, code, wait_seconds"),
        ("list_profiles", {"all": True}, "it takes none"),
        ("run_cell", {"session_id": "x", "cell_index": True}, "`cell_index`: takes no true"),
        ("read_notebook", {"session_id": "x", "start": False}, "`start`: takes no false"),
    ],
)
async def test_an_argument_that_a_tool_does_not_take_is_refused(
    server: JlabServer, tool: str, arguments: dict[str, object], says: str
):
    with pytest.raises(ToolError) as caught:
        await server.call_tool(tool, arguments)
    assert says in str(caught.value)
    assert "Nothing was done" in str(caught.value)


async def test_what_nobody_foresaw_is_said_plainly_and_logged(
    server: JlabServer, caplog: pytest.LogCaptureFixture
):
    async def breaks() -> str:
        raise RuntimeError("secret detail")

    server.add_tool(breaks, structured_output=False)
    try:
        with pytest.raises(UnexpectedToolError) as caught:
            await server.call_tool("breaks", {})
    finally:
        server.remove_tool("breaks")
    assert str(caught.value).startswith("Unexpected error in breaks (RuntimeError)")
    assert "secret detail" not in str(caught.value)
    assert isinstance(caught.value.__cause__, RuntimeError)


async def test_an_error_of_ours_becomes_what_happened_and_what_to_do(server: JlabServer):
    async def fails() -> str:
        raise NoServer("no server is running")

    server.add_tool(fails, structured_output=False)
    try:
        with pytest.raises(ToolError, match=r"^No server is running\. Call `start_server`"):
            await server.call_tool("fails", {})
    finally:
        server.remove_tool("fails")


def test_building_the_server_imports_nothing_slow():
    import subprocess
    import sys

    code = inspect.cleandoc("""
        import sys
        from jlab_mcp.mcpserver.server import build
        build()
        slow = {"httpx", "pydantic_settings", "PIL", "nbformat", "websockets", "typer", "jlab_mcp.app.connect"}
        print(sorted(slow & set(sys.modules)))
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
