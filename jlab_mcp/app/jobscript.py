"""The job that `start` would submit, without submitting it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.core.script import JobPaths, render_script
from jlab_mcp.storage.nodefiles import launcher_path

if TYPE_CHECKING:
    from jlab_mcp.core.resolver import ResolvedProfile


def job_script(resolved: ResolvedProfile) -> str:
    """Return the sbatch script of a project and profile; creates nothing on disk."""
    own = resolved.project_dir / ".venv" / "bin" / "python"
    job = JobPaths(
        python=own if own.exists() else Path(sys.executable),
        launcher=launcher_path(resolved.state_dir),
        connection_file=resolved.paths.connection_file,
        log_file=resolved.paths.log_file,
    )
    return render_script(resolved, job)
