"""The tree of errors: what happened, a stable code, a remedy, and the exit code of the command line.

Messages are one sentence, start in lower case and end without a full stop, so that each front end can
set them into its own frame. A remedy is an enum: the command line words it as a command, the MCP server
as a tool call.

    JlabMcpError
    ├── UsageProblem                the command line is wrong, or nobody is there to be asked
    ├── DemoFailed                  a step of the demo did not do what it should
    ├── ConfigError                 a setting is wrong
    ├── SlurmUnreachable            SLURM cannot be asked from here, or does not answer
    ├── JobRefused                  SLURM would not take the job
    │   └── JobCannotStart          it took the job, which can never start as it is
    ├── JobNotOurs                  a job that jlab-mcp did not submit
    ├── CannotWrite                 a folder of our own cannot be used
    │   └── FileInTheWay            there is a file already that nobody said may be replaced
    ├── ConversionFailed            a notebook was not converted
    ├── AmbiguousSession            several sessions are open that may be meant
    ├── CodeCutShort                code did not run to its end, or not at all, as where its kernel died
    ├── ServerError                 the Jupyter server of this project and profile
    │   ├── NoServer                none is running
    │   │   └── JobEnded            its SLURM job has ended; says how
    │   ├── AmbiguousServer         several are running, and none of them was named
    │   ├── ServerStarting          not ready yet
    │   │   └── JobQueued           its SLURM job waits in the queue
    │   ├── ServerUnreachable       its process lives, but it does not answer
    │   ├── ServerElsewhere         it was started on another host
    │   ├── StartFailed             it did not come up
    │   │   └── StartInterrupted    somebody stopped it meanwhile
    │   ├── StopFailed              it did not go away
    │   └── RecordBroken            a file that says where it is cannot be read
    └── NodeError                   the node service refused a request
        ├── SessionNotFound, ExecutionNotFound, CellNotFound, NotebookNotFound
        ├── PathOutsideRoot, NotANotebook, NotebookUnwritable
        ├── KernelUnknown, KernelStartFailed
        └── BadRequest
"""

from __future__ import annotations

from enum import Enum, IntEnum, unique
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@unique
class ExitCode(IntEnum):
    """What the process's exit status says; part of the published interface."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    CONFIG = 3
    NO_SERVER = 4
    NOT_READY = 5
    UNREACHABLE = 6
    ELSEWHERE = 7
    START_FAILED = 8
    STOP_FAILED = 9
    RECORD_BROKEN = 10
    NODE_REFUSED = 12
    CANNOT_WRITE = 13
    AMBIGUOUS = 14
    NO_SLURM = 15
    JOB_REFUSED = 16
    JOB_NOT_OURS = 17
    CODE_CUT_SHORT = 18
    NOT_CONVERTED = 19
    INTERRUPTED = 130


@unique
class Remedy(Enum):
    """What mends a failure; `cli.wording` and `mcpserver.wording` put it into words."""

    NONE = "none"
    FIX_SETTING = "fix_setting"
    CHOOSE_FOLDER = "choose_folder"
    START_SERVER = "start_server"
    NAME_PROFILE = "name_profile"
    WAIT_FOR_SERVER = "wait_for_server"
    RESTART_SERVER = "restart_server"
    STOP_SERVER = "stop_server"
    CHECK_STATUS = "check_status"
    GO_TO_HOST = "go_to_host"
    READ_LOG = "read_log"
    INSTALL_JUPYTERLAB = "install_jupyterlab"
    WIDEN_PORTS = "widen_ports"
    LIST_SESSIONS = "list_sessions"
    NAME_SESSION = "name_session"
    REPLACE_FILE = "replace_file"
    REOPEN_NOTEBOOK = "reopen_notebook"
    READ_NOTEBOOK = "read_notebook"
    STAY_IN_NOTEBOOK_DIR = "stay_in_notebook_dir"
    CHOOSE_NOTEBOOK = "choose_notebook"
    MAKE_WRITABLE = "make_writable"
    CHOOSE_KERNEL = "choose_kernel"
    RETRY = "retry"
    USE_LOCAL_MODE = "use_local_mode"
    ASK_SLURM_AGAIN = "ask_slurm_again"


class JlabMcpError(Exception):
    """Base of every foreseeable failure.

    Attributes:
        code: stable identifier, `JLM-…`.
        message: one sentence, without a full stop.
        remedy: what mends it.
        details: facts a front end may show or put into JSON; never a secret.
    """

    code: ClassVar[str] = "JLM-UNEXPECTED"
    exit_code: ClassVar[ExitCode] = ExitCode.UNEXPECTED
    default_remedy: ClassVar[Remedy] = Remedy.NONE

    def __init__(
        self, message: str, *, remedy: Remedy | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.default_remedy
        self.details: dict[str, Any] = dict(details or {})


class UsageProblem(JlabMcpError):
    """The command line is wrong, or a command would have to ask somebody; `details` has the `hints`."""

    code = "JLM-USAGE"
    exit_code = ExitCode.USAGE


class DemoFailed(JlabMcpError):
    """A step of the demo did not do what it should."""

    code = "JLM-DEMO-FAILED"


class ConfigError(JlabMcpError):
    """One or more settings are wrong; `problems` holds one sentence for each."""

    code = "JLM-CONFIG"
    exit_code = ExitCode.CONFIG
    default_remedy = Remedy.FIX_SETTING

    def __init__(self, problems: Sequence[str], *, remedy: Remedy | None = None) -> None:
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            message = self.problems[0]
        else:
            message = "\n  - ".join([f"{len(self.problems)} settings are wrong:", *self.problems])
        super().__init__(message, remedy=remedy, details={"problems": list(self.problems)})


class SlurmUnreachable(JlabMcpError):
    """SLURM cannot be asked: its commands are not here, or its controller does not answer them.

    What it would have said is unknown; nothing is concluded from it.
    """

    code = "JLM-NO-SLURM"
    exit_code = ExitCode.NO_SLURM
    default_remedy = Remedy.ASK_SLURM_AGAIN


class JobRefused(JlabMcpError):
    """SLURM would not take the job; `details` has the `faults` and, as sentences, the `hints`."""

    code = "JLM-JOB-REFUSED"
    exit_code = ExitCode.JOB_REFUSED
    default_remedy = Remedy.FIX_SETTING


class JobCannotStart(JobRefused):
    """SLURM took the job, and it can never start as it is; `details["job_id"]` names it."""

    code = "JLM-JOB-CANNOT-START"


class JobNotOurs(JlabMcpError):
    """A job was named that jlab-mcp did not submit; it is left alone."""

    code = "JLM-JOB-NOT-OURS"
    exit_code = ExitCode.JOB_NOT_OURS


class CannotWrite(JlabMcpError):
    """A file or folder of jlab-mcp's own cannot be written; `details["path"]` names it."""

    code = "JLM-CANNOT-WRITE"
    exit_code = ExitCode.CANNOT_WRITE
    default_remedy = Remedy.CHOOSE_FOLDER


class FileInTheWay(CannotWrite):
    """There is a file already that nobody said may be replaced; `details["path"]` names it."""

    code = "JLM-FILE-IN-THE-WAY"
    default_remedy = Remedy.REPLACE_FILE


class ConversionFailed(JlabMcpError):
    """nbconvert is not there, or failed; `details["log_tail"]` holds the end of what it said."""

    code = "JLM-CONVERSION-FAILED"
    exit_code = ExitCode.NOT_CONVERTED


class AmbiguousSession(JlabMcpError):
    """Several sessions are open that a call may mean; `details["sessions"]` has their ids."""

    code = "JLM-AMBIGUOUS-SESSION"
    exit_code = ExitCode.AMBIGUOUS
    default_remedy = Remedy.NAME_SESSION


class CodeCutShort(JlabMcpError):
    """Code did not run to its end through no fault of its own: its kernel died, or it was not run at all."""

    code = "JLM-CODE-CUT-SHORT"
    exit_code = ExitCode.CODE_CUT_SHORT


class ServerError(JlabMcpError):
    """Something about the Jupyter server of this project and profile."""

    code = "JLM-SERVER"


class NoServer(ServerError):
    """No server runs for this project and profile."""

    code = "JLM-NO-SERVER"
    exit_code = ExitCode.NO_SERVER
    default_remedy = Remedy.START_SERVER


class JobEnded(NoServer):
    """The server's SLURM job has ended; `details["log_tail"]` holds the end of its log."""

    code = "JLM-JOB-ENDED"


class AmbiguousServer(ServerError):
    """Several servers run that a call may mean; `details["profiles"]` names them."""

    code = "JLM-AMBIGUOUS-SERVER"
    exit_code = ExitCode.AMBIGUOUS
    default_remedy = Remedy.NAME_PROFILE


class ServerStarting(ServerError):
    """The server has been started and is not ready yet."""

    code = "JLM-SERVER-STARTING"
    exit_code = ExitCode.NOT_READY
    default_remedy = Remedy.WAIT_FOR_SERVER


class JobQueued(ServerStarting):
    """The server's SLURM job waits in the queue; `details["job_id"]` names it."""

    code = "JLM-JOB-QUEUED"


class ServerUnreachable(ServerError):
    """The server should be there, but does not answer, or not as it should."""

    code = "JLM-SERVER-UNREACHABLE"
    exit_code = ExitCode.UNREACHABLE
    default_remedy = Remedy.CHECK_STATUS


class ServerElsewhere(ServerError):
    """The server was started on another host; `details["hostname"]` names it."""

    code = "JLM-SERVER-ELSEWHERE"
    exit_code = ExitCode.ELSEWHERE
    default_remedy = Remedy.GO_TO_HOST


class StartFailed(ServerError):
    """The server did not come up; `details["log_tail"]` holds the end of its log."""

    code = "JLM-START-FAILED"
    exit_code = ExitCode.START_FAILED
    default_remedy = Remedy.READ_LOG


class StartInterrupted(StartFailed):
    """The server was stopped from elsewhere while it was starting."""

    code = "JLM-START-INTERRUPTED"
    default_remedy = Remedy.START_SERVER


class StopFailed(ServerError):
    """The server's process is still there after every signal."""

    code = "JLM-STOP-FAILED"
    exit_code = ExitCode.STOP_FAILED
    default_remedy = Remedy.CHECK_STATUS


class RecordBroken(ServerError):
    """A record or connection file cannot be read; `details["path"]` names it."""

    code = "JLM-RECORD-BROKEN"
    exit_code = ExitCode.RECORD_BROKEN
    default_remedy = Remedy.STOP_SERVER


class NodeError(JlabMcpError):
    """The node service refused a request; `api_code` is the code it gave."""

    code = "JLM-NODE"
    exit_code = ExitCode.NODE_REFUSED
    api_code: ClassVar[str] = ""


class SessionNotFound(NodeError):
    """No session has this id; `details["notebook_path"]` is that of the lost session that had it."""

    code = "JLM-SESSION-NOT-FOUND"
    api_code = "session_not_found"
    default_remedy = Remedy.LIST_SESSIONS

    def __init__(
        self, message: str, *, remedy: Remedy | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        lost = "notebook_path" in (details or {})
        super().__init__(
            message, remedy=remedy or (Remedy.REOPEN_NOTEBOOK if lost else None), details=details
        )


class ExecutionNotFound(NodeError):
    """No execution has this id."""

    code = "JLM-EXECUTION-NOT-FOUND"
    api_code = "execution_not_found"
    default_remedy = Remedy.READ_NOTEBOOK


class CellNotFound(NodeError):
    """The notebook has no such cell."""

    code = "JLM-CELL-NOT-FOUND"
    api_code = "cell_not_found"
    default_remedy = Remedy.READ_NOTEBOOK


class NotebookNotFound(NodeError):
    """No notebook has this path."""

    code = "JLM-NOTEBOOK-NOT-FOUND"
    api_code = "notebook_not_found"
    default_remedy = Remedy.CHOOSE_NOTEBOOK


class PathOutsideRoot(NodeError):
    """The path leaves the project's notebook folder."""

    code = "JLM-PATH-OUTSIDE-ROOT"
    api_code = "path_outside_root"
    default_remedy = Remedy.STAY_IN_NOTEBOOK_DIR


class NotANotebook(NodeError):
    """The file is no notebook of format 4."""

    code = "JLM-NOT-A-NOTEBOOK"
    api_code = "not_a_notebook"
    default_remedy = Remedy.CHOOSE_NOTEBOOK


class KernelUnknown(NodeError):
    """No kernel of this name is installed; `details["available"]` lists those that are."""

    code = "JLM-KERNEL-UNKNOWN"
    api_code = "kernel_unknown"
    default_remedy = Remedy.CHOOSE_KERNEL


class KernelStartFailed(NodeError):
    """The kernel did not start."""

    code = "JLM-KERNEL-START-FAILED"
    api_code = "kernel_start_failed"
    default_remedy = Remedy.READ_LOG


class BadRequest(NodeError):
    """A parameter is wrong."""

    code = "JLM-BAD-REQUEST"
    api_code = "bad_request"


class NotebookUnwritable(NodeError):
    """The notebook file cannot be written."""

    code = "JLM-NOTEBOOK-UNWRITABLE"
    api_code = "notebook_unwritable"
    default_remedy = Remedy.MAKE_WRITABLE


_BY_API_CODE: dict[str, type[NodeError]] = {cls.api_code: cls for cls in NodeError.__subclasses__()}


def node_error(api_code: str, message: str, data: Mapping[str, Any] | None = None) -> NodeError:
    """Make the error that stands for a code of the node API; an unknown code gives a plain `NodeError`."""
    return _BY_API_CODE.get(api_code, NodeError)(
        message.rstrip("."), details={"api_code": api_code, **(data or {})}
    )
