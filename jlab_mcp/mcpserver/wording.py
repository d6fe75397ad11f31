"""Errors and remedies in the words of an agent: what happened, and which tool to call next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jlab_mcp.errors import JlabMcpError, Remedy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import ValidationError

_NEXT = {
    Remedy.NONE: "",
    Remedy.FIX_SETTING: "Correct that setting, then call the tool again.",
    Remedy.START_SERVER: "Call `start_server`, then open a session.",
    Remedy.NAME_PROFILE: "Name one of them in the argument `profile`, or put one in use with `start_server`.",
    Remedy.WAIT_FOR_SERVER: "Call `wait_for_server`, then call the tool again.",
    Remedy.RESTART_SERVER: "Call `stop_server` and then `start_server`; kernels end, notebooks stay.",
    Remedy.STOP_SERVER: "Call `stop_server` to clear it away, then `start_server`.",
    Remedy.CHECK_STATUS: "Call `ping` to see how it is; `stop_server` and `start_server` give a new one.",
    Remedy.GO_TO_HOST: "Run the agent on that host, or ask the user to stop that server there.",
    Remedy.READ_LOG: "Tell the user what the server's log says.",
    Remedy.INSTALL_JUPYTERLAB: "Ask the user to run `pip install 'jlab-mcp[local]'` in the project's venv.",
    Remedy.WIDEN_PORTS: "Ask the user to widen JLAB_MCP_PORT_MIN to JLAB_MCP_PORT_MAX.",
    Remedy.LIST_SESSIONS: "Call `list_sessions` for the sessions there are, or open one.",
    Remedy.NAME_SESSION: "Call `list_sessions` for the sessions there are, and name one by its id.",
    Remedy.REPLACE_FILE: "Name another file.",
    Remedy.REOPEN_NOTEBOOK: (
        "Call `start_session_resume_notebook` with notebook_path {notebook_path} to run its cells again, or"
        " `start_session_continue_notebook` with it to go on in a copy without running them."
    ),
    Remedy.READ_NOTEBOOK: "Call `read_notebook` to see the cells and their ids.",
    Remedy.STAY_IN_NOTEBOOK_DIR: "Use a path inside the notebook folder; relative paths start there.",
    Remedy.CHOOSE_NOTEBOOK: (
        "Name another notebook (relative paths start at the notebook folder), or call `start_new_session` for"
        " a new one."
    ),
    Remedy.MAKE_WRITABLE: "Ask the user to make its folder writable or free space, then call the tool again.",
    Remedy.CHOOSE_KERNEL: "Name one that is there, or ask the user to install that kernel.",
    Remedy.CHOOSE_FOLDER: "Ask the user to name a folder that can be written to in {setting}.",
    Remedy.RETRY: "Call the tool again.",
    Remedy.USE_LOCAL_MODE: "Set JLAB_MCP_RUN_MODE=local to work on this machine.",
    Remedy.ASK_SLURM_AGAIN: "Nothing was changed. Call the tool again later, when SLURM answers.",
}
_SHOWN = {
    "cut_short": "Code was cut short in",
    "log_tail": "The log ends:",
    "log_file": "Log file:",
    "execution_id": "Before sending the code again, ask what became of it: `get_output` with execution_id",
}
_UNNAMED = {"setting": "`JLAB_MCP_DIR`", "notebook_path": "of that session's notebook"}
"""What stands in these sentences for what an error does not name."""


_OPENERS = {
    *("a", "an", "cannot", "give", "it", "name", "neither", "no", "nobody", "nothing", "process", "session"),
    *("starting", "still", "stopping", "the", "there", "these", "this", "waiting"),
}
"""Words that begin sentences of ours; any other first word may be a name, a path or a user's own."""


def sentence(message: str) -> str:
    """Make a sentence of a message; a name or a path that it begins with stays as it is written."""
    message = message.rstrip(".")
    first = message.partition(" ")[0]
    end = "" if message.endswith("?") else "."
    return f"{message[:1].upper()}{message[1:]}{end}" if first in _OPENERS else f"{message}{end}"


def error_words(error: JlabMcpError) -> str:
    """Say what happened, what helps to understand it, and what to do next."""
    parts = [
        sentence(error.message),
        *(sentence(hint) for hint in error.details.get("hints", ())),
        _NEXT[error.remedy].format_map({**_UNNAMED, **error.details}),
    ]
    for key, label in _SHOWN.items():
        if value := error.details.get(key):
            between = "\n" if key == "log_tail" else ", "
            shown = between.join(map(str, value)) if isinstance(value, (list, tuple)) else str(value).rstrip()
            parts.append(f"{label}\n{shown}" if "\n" in shown else f"{label} {shown}")
    return " ".join(part for part in parts if part)


def coded(words: str, error: type[JlabMcpError]) -> str:
    """End the answer to a call that failed with the code of its error."""
    return f"{words} [{error.code}]"


def argument_words(tool: str, error: ValidationError) -> str:
    """Say which arguments of a call are wrong."""
    problems: dict[str, str] = {}
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(problem["loc"][0]) if problem["loc"] else "arguments"
        problems.setdefault(name, problem["msg"][:1].lower() + problem["msg"][1:])
    return wrong_arguments(tool, problems)


def misfits(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, str]:
    """Find arguments that a tool does not take, and true or false where it takes a number or text.

    The SDK drops the former without a word, and takes `true` for 1.
    """
    known: Mapping[str, Any] = schema.get("properties", {})
    wrong = {}
    for name, value in arguments.items():
        if name not in known:
            from jlab_mcp.core.nearest import nearest

            wrong[name] = f"there is no such argument{nearest(name, [*known]) or _all_of(known)}"
        elif isinstance(value, bool) and not _takes_bool(known[name]):
            wrong[name] = f"takes no {str(value).lower()}"
    return wrong


def _all_of(known: Mapping[str, Any]) -> str:
    return f"; there are {', '.join(known)}" if known else ", it takes none"


def _takes_bool(field: Mapping[str, Any]) -> bool:
    return any(kind.get("type", "boolean") == "boolean" for kind in field.get("anyOf", [field]))


def wrong_arguments(tool: str, problems: Mapping[str, str]) -> str:
    """Say which arguments of a call are wrong, and why."""
    said = "; ".join(f"`{name}`: {message}" for name, message in problems.items())
    return f"Wrong arguments for {tool}: {said}. Nothing was done; call it again with correct ones."


def unknown_resource(uri: str) -> str:
    """Say that an address leads to nothing, and which ones do."""
    return (
        f"There is no resource {uri}. There are jlab-mcp://server/status, jlab-mcp://profiles,"
        " jlab-mcp://sessions and jlab-mcp://notebooks, and after a / each one by its name, id or path."
    )


def unexpected_words(tool: str, error: BaseException) -> str:
    """Say that something failed that nobody foresaw."""
    return (
        f"Unexpected error in {tool} ({type(error).__name__}); the server's stderr has the details. "
        "Please report it; `ping` tells whether the server is well."
    )
