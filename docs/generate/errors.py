"""The reference page of errors: every code, what it means, what to do, and the exit status."""

from __future__ import annotations

from jlab_mcp.cli.wording import EXIT_CODES
from jlab_mcp.core.codes import explained

_HEAD = """# Errors

Every failure that can be foreseen has a code, which never changes: `error[JLM-NO-SERVER]: …` on the command
line, `"code"` in the output of `--json`, and the end of a tool's answer. `jlab-mcp explain CODE` shows the
same as this page.
"""


def page() -> str:
    """Return the page as Markdown."""
    codes = explained()
    rows = [f"| [`{each.code}`](#{each.code.lower()}) | {each.exit_code} |" for each in codes]
    sections = [
        f"### {each.code}\n\n{each.meaning}\n\n{each.remedy}\n\nExit status: {each.exit_code}."
        for each in codes
    ]
    statuses = [f"| {code.value} | {_sentence(text)} |" for code, text in EXIT_CODES.items()]
    parts = [
        _HEAD.strip(),
        "\n".join(["| Code | Exit status |", "|---|---|", *rows]),
        "## Codes",
        *sections,
        "## Exit statuses",
        "\n".join(["| Status | Meaning |", "|---|---|", *statuses]),
    ]
    return "\n\n".join(parts) + "\n"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
