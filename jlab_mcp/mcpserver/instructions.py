"""What every model that works with this server is told first; clients cut it at 2,048 bytes."""

INSTRUCTIONS = """\
Run code in live Jupyter notebooks that a person can open, read and continue.

Sessions
- `ping` tells whether the project's Jupyter server runs; `start_server` starts it. Each profile (machine,
  cluster, GPU type: `list_profiles`) has its own; without `profile`, the one in use is meant.
- `start_new_session` opens a notebook with its own kernel; `start_session_resume_notebook` re-runs an
  existing one, `start_session_continue_notebook` forks it and runs nothing. Sessions outlive you:
  `list_sessions` finds them. `shutdown_session` when done: it frees the kernel's memory, the notebook stays.
- `execute_code` appends a cell and runs it; variables persist. Fix a cell with `edit_cell`, not with a
  corrected copy; note findings with `add_markdown`; `execute_scratch` leaves no trace.
- Cells have an index (negative from the end) and an id, which stays valid when cells move. Paths are inside
  the notebook folder.

Long runs: a call answers after `wait_seconds` at the latest, and the code keeps running. Never send it
again: `get_output` with its execution_id and wait_seconds waits on, `cancel_execution` stops it. A job's
time ends: save checkpoints to files before it does.

Outputs: long text is cut in the middle; `get_output` pages through it (`offset`) or searches it (`grep`);
what is very long goes to a file that the answer names. Print summaries, not whole tables. You see pictures
scaled down; the notebook keeps them whole.

GPUs: `check_resources` shows GPUs and their free memory; look before you load a model. A kernel keeps its GPU
memory until it ends or restarts. To use several GPUs, give each session one with CUDA_VISIBLE_DEVICES before
the first import that uses it.

Code that raises is a normal answer with state `error`. A tool error means that the call was not done; it
says what to do next. An answer that begins with NOTE tells of a change: a restarted kernel, a person's edits.
"""
