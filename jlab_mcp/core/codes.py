"""What each error's code means, and what to do about it: shown by `jlab-mcp explain`, and listed in the docs.

An error itself has the facts of its case, and names the very command that mends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, RootModel

from jlab_mcp.core.nearest import nearest
from jlab_mcp.errors import JlabMcpError, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterator


class Explained(NamedTuple):
    """A code in words.

    Attributes:
        meaning: what has happened, in sentences.
        remedy: what to do about it, in sentences.
    """

    meaning: str
    remedy: str


EXPLANATIONS: dict[str, Explained] = {
    "JLM-UNEXPECTED": Explained(
        "Something happened that nobody foresaw.",
        "Run the command again with `--verbose`, and report what it prints.",
    ),
    "JLM-USAGE": Explained(
        "The command line is wrong, or the command would have to ask something and nobody is there to"
        " answer.",
        "The command's `--help` shows its arguments and examples.",
    ),
    "JLM-DEMO-FAILED": Explained(
        "A step of `jlab-mcp demo` did not do what it should.",
        "Read what stands above the message: it is what the step itself said. `jlab-mcp logs` has what"
        " the server said.",
    ),
    "JLM-CONFIG": Explained(
        "One or more settings are wrong. All of them are told at once, each with the file and line, the"
        " variable or the flag that says it.",
        "Correct the setting where the message says. `jlab-mcp profile validate` checks all files,"
        " `jlab-mcp profile show --origin` tells where each value comes from.",
    ),
    "JLM-NO-SLURM": Explained(
        "SLURM cannot be asked: its commands are not on PATH, or its controller does not answer in time."
        " Nothing is concluded from the silence: a job that was there is taken to be there still.",
        "Try again when `squeue --me` answers, on a host where jobs are submitted. To run on this machine"
        " instead, set `JLAB_MCP_RUN_MODE=local`.",
    ),
    "JLM-JOB-REFUSED": Explained(
        "SLURM does not take the job as the settings ask for it. Nothing is left of it.",
        "Change the setting that the message and its hints name. `jlab-mcp profile check` asks SLURM"
        " again without submitting anything.",
    ),
    "JLM-JOB-CANNOT-START": Explained(
        "SLURM took the job, but can never start it as it is, for instance because it asks for more than"
        " any node has. It stays in the queue until it is stopped.",
        "End it with `jlab-mcp stop`, change the setting that the message names, and start again.",
    ),
    "JLM-JOB-NOT-OURS": Explained(
        "A job was named that `jlab-mcp` did not submit. It is left alone.",
        "Look up the job's id with `jlab-mcp status --all`. Cancel jobs of others with `scancel`.",
    ),
    "JLM-CANNOT-WRITE": Explained(
        "A file or folder of `jlab-mcp` cannot be written, or the output of a command could not be: the"
        " disk or the quota is full, or the folder is read-only.",
        "Free space, or name a folder that can be written to in the variable that the hint names.",
    ),
    "JLM-FILE-IN-THE-WAY": Explained(
        "There is a file already where the result of a command should go, and nobody said that it may be"
        " replaced.",
        "Name another file with `--output`, or replace it with `--force`.",
    ),
    "JLM-CONVERSION-FAILED": Explained(
        "A notebook was not converted: nbconvert is not installed, neither beside `jlab-mcp` nor where"
        " JupyterLab runs, or it failed.",
        "Install it with the command that the hint names. Where it failed, the message has what it said.",
    ),
    "JLM-AMBIGUOUS-SESSION": Explained(
        "Several sessions are open that may be meant, and none of them was named exactly.",
        "Name one by its id: `jlab-mcp sessions` lists them.",
    ),
    "JLM-CODE-CUT-SHORT": Explained(
        "Code did not run to its end through no fault of its own: its kernel died or was restarted, or the"
        " code was taken from the queue, as when other code before it was interrupted.",
        "The message says why. A session whose kernel died gets a new one at the next call, without the"
        " variables.",
    ),
    "JLM-SERVER": Explained(
        "Something is wrong with the Jupyter server of this project and profile.",
        "`jlab-mcp status` says how it stands.",
    ),
    "JLM-NO-SERVER": Explained(
        "No Jupyter server runs for this project and profile. If there was one that ended by itself, the"
        " message says how.",
        "Start it with `jlab-mcp start`; an agent calls `start_server`.",
    ),
    "JLM-JOB-ENDED": Explained(
        "The SLURM job of the server has ended: its time was over, somebody cancelled it, it was"
        " preempted, or its node failed. The message says which, and the end of the log is shown.",
        "Start it again with `jlab-mcp start`. Notebooks have all but the last second or so; resume one"
        " to run its cells again.",
    ),
    "JLM-AMBIGUOUS-SERVER": Explained(
        "Several servers of the project run, none of them that of the chosen profile, and the call names"
        " none.",
        "Name one with `--profile NAME`; `jlab-mcp status --all` shows them. An agent names it in `profile`.",
    ),
    "JLM-SERVER-STARTING": Explained(
        "The server has been started and is not ready yet.",
        "Wait for it with `jlab-mcp wait`; an agent calls `wait_for_server`. If it takes very long,"
        " `jlab-mcp logs` shows what it does.",
    ),
    "JLM-JOB-QUEUED": Explained(
        "The server's SLURM job waits in the queue. The message says why, and when SLURM expects it to"
        " start.",
        "Wait for it with `jlab-mcp wait`, or end it with `jlab-mcp stop`.",
    ),
    "JLM-SERVER-UNREACHABLE": Explained(
        "The server should be there, as far as is known, but does not answer, or not as it should. Its"
        " node or the network may be down, or another program may have its port.",
        "Look at it with `jlab-mcp status` and `jlab-mcp logs`. If it stays silent, stop and start it:"
        " kernels end, notebooks stay.",
    ),
    "JLM-SERVER-ELSEWHERE": Explained(
        "The server runs as a process on another host, from where alone it can be used and stopped.",
        "Run the command on the host that the message names.",
    ),
    "JLM-START-FAILED": Explained(
        "The server did not come up: there is no JupyterLab to run, no port is free, or it ended at once."
        " The end of its log is shown.",
        "Read the log that the hint names, and mend what it says.",
    ),
    "JLM-START-INTERRUPTED": Explained(
        "Somebody stopped the server while it was starting.",
        "Start it again if that was not meant.",
    ),
    "JLM-STOP-FAILED": Explained(
        "The server's process or job is still there after everything that ends one.",
        "Look at it with `jlab-mcp status`, then stop it again. SLURM goes on ending a job that was"
        " cancelled.",
    ),
    "JLM-RECORD-BROKEN": Explained(
        "A file that says where the server is cannot be read.",
        "`jlab-mcp stop` ends what is left and clears it away.",
    ),
    "JLM-NODE": Explained(
        "The service inside JupyterLab refused a request, for a reason that this version has no name for.",
        "Read the message and the server's log. If the server was started by another version, stop and"
        " start it.",
    ),
    "JLM-SESSION-NOT-FOUND": Explained(
        "No session has this id. It was ended, or its server was.",
        "List the sessions there are, or open the notebook again: resume runs its cells, continue does not.",
    ),
    "JLM-EXECUTION-NOT-FOUND": Explained(
        "No execution has this id. Executions that ended long ago are forgotten.",
        "Read the notebook: it has the output of every cell.",
    ),
    "JLM-CELL-NOT-FOUND": Explained(
        "The notebook has no such cell; a person or another agent may have deleted it.",
        "Read the notebook to see its cells and their ids.",
    ),
    "JLM-NOTEBOOK-NOT-FOUND": Explained(
        "There is no file of this path.",
        "Name another notebook; relative paths start at the notebook folder of the project.",
    ),
    "JLM-PATH-OUTSIDE-ROOT": Explained(
        "The path leads out of the project's notebook folder, perhaps through a link.",
        "Use a path inside of it. `JLAB_MCP_NOTEBOOK_DIR` or `notebook.dir` set another folder.",
    ),
    "JLM-NOT-A-NOTEBOOK": Explained(
        "The file is no notebook of format 4.",
        "Name another file; JupyterLab converts old notebooks when it saves them.",
    ),
    "JLM-NOTEBOOK-UNWRITABLE": Explained(
        "The notebook or its folder cannot be written. What was not saved is kept in memory and in the"
        " journal.",
        "Make the folder writable, or free space; the notebook is saved at the next change.",
    ),
    "JLM-KERNEL-UNKNOWN": Explained(
        "No kernel of this name is installed where the server runs.",
        "Install it there, or choose one of those that the message lists.",
    ),
    "JLM-KERNEL-START-FAILED": Explained(
        "The kernel's process ended, or stayed silent, before it was ready.",
        "Read the server's log: most often a package is missing or broken in the environment of the kernel.",
    ),
    "JLM-BAD-REQUEST": Explained(
        "A parameter of the call is wrong.",
        "The message says which; correct it and call again.",
    ),
}
"""Code -> what it means; every class of `errors` has its own."""


def error_classes(root: type[JlabMcpError] = JlabMcpError) -> Iterator[type[JlabMcpError]]:
    """Yield every class of errors, each before those that are kinds of it."""
    yield root
    for child in root.__subclasses__():
        yield from error_classes(child)


class ExplainedCode(BaseModel):
    """What `explain` shows of one code."""

    model_config = ConfigDict(frozen=True)

    code: str
    exit_code: int = Field(description="Exit status of a command that fails so.")
    meaning: str
    remedy: str


class ExplainedCodes(RootModel[tuple[ExplainedCode, ...]]):
    """What `explain --json` shows."""


def explained() -> list[ExplainedCode]:
    """Explain every code, in the order of the tree of errors."""
    return [_explained(each) for each in error_classes()]


def explained_code(code: str) -> ExplainedCode:
    """Explain one code, which may be in lower case and without `JLM-`.

    Raises:
        UsageProblem: there is no such code.
    """
    wanted = "JLM-" + code.strip().upper().removeprefix("JLM-")
    found = next((each for each in error_classes() if each.code == wanted), None)
    if found is None:
        raise UsageProblem(
            f"there is no code {wanted}{nearest(wanted, [*EXPLANATIONS])}",
            details={"hints": ["`jlab-mcp explain` lists all codes"]},
        )
    return _explained(found)


def _explained(error: type[JlabMcpError]) -> ExplainedCode:
    meaning, remedy = EXPLANATIONS[error.code]
    return ExplainedCode(code=error.code, exit_code=error.exit_code, meaning=meaning, remedy=remedy)
