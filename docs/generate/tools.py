"""The page of tools, made of the list that the MCP server sends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from docs.generate.markdown import NOTICE, code, table
from jlab_mcp.mcpserver.server import build

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTRODUCTION = """\
What an agent may call. Cells are named by index (negative from the end) or by id, and paths are inside the
project's notebook folder. Tools that run code answer when it is done, or after `wait_seconds`: then with
what there is so far, while the code keeps running and `get_output` goes on from there. [Long
runs](../tasks/long-runs.md) has more of it.

Code that raises is a normal answer whose state is `error`. A tool error means that the call could not be
carried out; it says what happened and what to do next."""


def page() -> str:
    """Return the page."""
    server = build()
    tools = asyncio.run(server.list_tools())
    lines = [NOTICE, "# Tools", "", _INTRODUCTION, ""]
    lines += table(
        ("Tool", "What it does"),
        ((f"[`{tool.name}`](#{tool.name})", _first(tool.description)) for tool in tools),
    )
    for tool in tools:
        lines += [f"## {tool.name}", "", tool.description or "", ""]
        lines += [f"*{_hints(tool.annotations)}*", ""]
        lines += table(("Parameter", "Kind", "Default", "Meaning"), _parameters(tool.input_schema))
    lines += _resources(server)
    lines += _prompts(server)
    lines += [
        "## What the model is told",
        "",
        "The server's instructions, as the client hands them to the model:",
        "",
    ]
    lines += ["```text", (server.instructions or "").rstrip(), "```", ""]
    return "\n".join(lines)


def _first(description: str | None) -> str:
    return (description or "").partition("\n\n")[0]


def _hints(annotations: Any) -> str:
    if annotations.read_only_hint:
        return "Changes nothing."
    words = ["may destroy something" if annotations.destructive_hint else "only adds"]
    if annotations.idempotent_hint:
        words.append("calling it twice does no more than calling it once")
    return "; ".join(words).capitalize() + "."


def _parameters(schema: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    required = schema.get("required", [])
    for name, one in schema.get("properties", {}).items():
        default = "required" if name in required else _default(one.get("default"))
        yield code(name), _kind(one), default, one.get("description", "")


def _default(value: object) -> str:
    if value is None:
        return ""
    return code(str(value).lower() if isinstance(value, bool) else str(value))


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(code(str(value)) for value in schema["enum"])
    options = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    return (
        " or ".join(dict.fromkeys(_kind(option) for option in options))
        if options
        else str(schema.get("type", ""))
    )


def _resources(server: Any) -> list[str]:
    fixed = [(str(one.uri), one.description or "") for one in asyncio.run(server.fixed_resources())]
    made = [
        (str(one.uri_template), one.description or "")
        for one in asyncio.run(server.list_resource_templates())
    ]
    rows = ((code(uri), _first(description)) for uri, description in fixed + made)
    return ["## Resources", "", *table(("Resource", "What it holds"), rows)]


def _prompts(server: Any) -> list[str]:
    prompts = asyncio.run(server.list_prompts())
    if not prompts:
        return []
    rows = (
        (code(one.name), ", ".join(code(each.name) for each in one.arguments or ()), _first(one.description))
        for one in prompts
    )
    return ["## Prompts", "", *table(("Prompt", "Arguments", "What it is for"), rows)]
