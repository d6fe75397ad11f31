"""Errors and remedies in the words of an agent: what happened, and which tool to call next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.errors import JlabMcpError, Remedy

if TYPE_CHECKING:
    from pydantic import ValidationError

_NEXT = {
    Remedy.NONE: "",
    Remedy.FIX_SETTING: "Correct that setting, then call the tool again.",
    Remedy.USE_LOCAL_MODE: "Set JLAB_MCP_RUN_MODE=local to work on this machine.",
    Remedy.START_SERVER: "Call `start_server`, then open a session.",
    Remedy.WAIT_FOR_SERVER: "Call `wait_for_server`, then call the tool again.",
    Remedy.RESTART_SERVER: "Call `stop_server` and then `start_server`; kernels end, notebooks stay.",
    Remedy.STOP_SERVER: "Call `stop_server` to clear it away, then `start_server`.",
    Remedy.CHECK_STATUS: "Call `ping` to see how it is; `stop_server` and `start_server` give a new one.",
    Remedy.GO_TO_HOST: "Run the agent on that host, or ask the user to stop that server there.",
    Remedy.READ_LOG: "Tell the user what the server's log says.",
    Remedy.INSTALL_JUPYTERLAB: "Ask the user to run `pip install 'jlab-mcp[local]'` in the project's venv.",
    Remedy.WIDEN_PORTS: "Ask the user to widen JLAB_MCP_PORT_MIN to JLAB_MCP_PORT_MAX.",
    Remedy.LIST_SESSIONS: "Call `list_sessions` for the sessions there are, or open one.",
    Remedy.READ_NOTEBOOK: "Call `read_notebook` to see the cells and their ids.",
    Remedy.STAY_IN_NOTEBOOK_DIR: "Use a path inside the notebook folder; relative paths start there.",
    Remedy.CONVERT_NOTEBOOK: "Convert it with `jupyter nbconvert --to notebook`, or name another notebook.",
    Remedy.CHOOSE_KERNEL: "Install that kernel, or name a notebook with a kernel that is there.",
    Remedy.CHOOSE_FOLDER: "Ask the user to set that folder to one that can be written to.",
    Remedy.RETRY: "Call the tool again.",
}
_SHOWN = {"log_tail": "The log ends:", "available": "Kernels there are:", "log_file": "Log file:"}


def error_words(error: JlabMcpError) -> str:
    """Say what happened, what helps to understand it, and what to do next."""
    message = error.message.rstrip(".")
    parts = [f"{message[:1].upper()}{message[1:]}.", _NEXT[error.remedy]]
    for key, label in _SHOWN.items():
        if value := error.details.get(key):
            between = "\n" if key == "log_tail" else ", "
            shown = between.join(map(str, value)) if isinstance(value, (list, tuple)) else str(value).rstrip()
            parts.append(f"{label}\n{shown}" if "\n" in shown else f"{label} {shown}")
    return " ".join(part for part in parts if part)


def argument_words(tool: str, error: ValidationError) -> str:
    """Say which arguments of a call are wrong."""
    problems: dict[str, str] = {}
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(problem["loc"][0]) if problem["loc"] else "arguments"
        problems.setdefault(name, problem["msg"][:1].lower() + problem["msg"][1:])
    said = "; ".join(f"`{name}`: {message}" for name, message in problems.items())
    return f"Wrong arguments for {tool}: {said}. Nothing was done; call it again with correct ones."


def unexpected_words(tool: str, error: BaseException) -> str:
    """Say that something failed that nobody foresaw."""
    return (
        f"Unexpected error in {tool} ({type(error).__name__}); the server's stderr has the details. "
        "Please report it; `ping` tells whether the server is well."
    )
