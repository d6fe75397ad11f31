"""What mends a failure, as commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.errors import ExitCode, Remedy

if TYPE_CHECKING:
    from jlab_mcp.errors import JlabMcpError

_HINTS: dict[Remedy, str] = {
    Remedy.CHOOSE_FOLDER: "name a folder you can write to in {setting}",
    Remedy.START_SERVER: "start it with `jlab-mcp start{profile}`",
    Remedy.NAME_PROFILE: "name one with `--profile NAME`, or see all with `jlab-mcp status --all`",
    Remedy.WAIT_FOR_SERVER: "wait with `jlab-mcp wait{profile}`, or end it with `jlab-mcp stop{profile}`",
    Remedy.RESTART_SERVER: "run `jlab-mcp stop{profile}`, then `jlab-mcp start{profile}`",
    Remedy.STOP_SERVER: "`jlab-mcp stop{profile}` ends what is left and clears it away",
    Remedy.CHECK_STATUS: "look at it with `jlab-mcp status{profile}`",
    Remedy.GO_TO_HOST: "run the command on {hostname}",
    Remedy.READ_LOG: "the whole log is in `{log_file}`",
    Remedy.INSTALL_JUPYTERLAB: "install it with `{command}`",
    Remedy.WIDEN_PORTS: "widen the range with JLAB_MCP_PORT_MIN and JLAB_MCP_PORT_MAX",
    Remedy.LIST_SESSIONS: "see what is open with `jlab-mcp sessions`",
    Remedy.NAME_SESSION: "name one with `--session`, open one with `--new NAME`, or use `--scratch`",
    Remedy.CHOOSE_KERNEL: "name another one with `--kernel`",
    Remedy.REPLACE_FILE: "`--force` replaces it, `--output FILE` names another one",
    Remedy.RETRY: "try again",
    Remedy.USE_LOCAL_MODE: (
        "set `JLAB_MCP_RUN_MODE=local` to run on this machine, or see the job with `jlab-mcp start --dry-run`"
    ),
    Remedy.ASK_SLURM_AGAIN: "try again when SLURM answers: `squeue --me` shows whether it does",
}

EXIT_CODES: dict[ExitCode, str] = {
    ExitCode.OK: "done; for `status`: a server is ready",
    ExitCode.UNEXPECTED: "something unforeseen; for `exec`: the code raised an error",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.CONFIG: "a setting is wrong",
    ExitCode.NO_SERVER: "no server is running, or it ended by itself",
    ExitCode.NOT_READY: "the server is not ready yet",
    ExitCode.UNREACHABLE: "the server does not answer",
    ExitCode.ELSEWHERE: "the server was started on another host",
    ExitCode.START_FAILED: "the server did not start",
    ExitCode.STOP_FAILED: "the server did not end",
    ExitCode.RECORD_BROKEN: "a record or connection file cannot be read",
    ExitCode.NODE_REFUSED: "the node service refused the request",
    ExitCode.CANNOT_WRITE: "a file or folder of jlab-mcp, or the output, cannot be written",
    ExitCode.AMBIGUOUS: "several servers or sessions may be meant, and none was named",
    ExitCode.NO_SLURM: "SLURM cannot be asked from here, or does not answer",
    ExitCode.JOB_REFUSED: "SLURM refuses the job, or can never start it",
    ExitCode.JOB_NOT_OURS: "the job was not submitted by jlab-mcp",
    ExitCode.CODE_CUT_SHORT: "the code did not run to its end: its kernel died, or it was not run at all",
    ExitCode.NOT_CONVERTED: "a notebook was not converted: nbconvert is missing, or failed",
    ExitCode.INTERRUPTED: "ended by Ctrl+C or a signal; what was launched has been stopped",
}
"""What each exit code says; shown by `--help`."""


def hints(error: JlabMcpError, profile: str | None) -> list[str]:
    """Return what to do about an error, each a line of its own; nothing where nothing is known.

    Args:
        error: what happened.
        profile: the profile that the command named by flag, if any.
    """
    found = [str(hint) for hint in error.details.get("hints", ())]
    template = _HINTS.get(error.remedy)
    if template is None:
        return found
    flag = f" --profile {profile}" if profile else ""
    facts = {"profile": flag, "setting": "`JLAB_MCP_DIR`", **error.details}
    try:
        return [*found, template.format_map(facts)]
    except KeyError:
        return found


def exit_codes_help() -> str:
    """Return the table of exit codes for `--help`."""
    return "Exit codes:\n" + "\n".join(f"  {code.value:>3}  {text}" for code, text in EXIT_CODES.items())
