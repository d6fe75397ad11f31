"""What each kind of value accepts."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from jlab_mcp.core.profile import Profile
from jlab_mcp.core.resolver import value_at

ACCEPTED: list[tuple[str, Any, Any]] = [
    *(("slurm.mem", text, str(text)) for text in (32000, "32000", "64G", "64g", "1T", "0", "64GB")),
    *(("slurm.tmp", text, text) for text in ("10G", "1000M")),
    *(("slurm.time", text, str(text)) for text in (90, "90", "4:00", "4:00:00", "1-12", "1-12:30", "1-12:30:15")),
    *(("slurm.gpus", text, str(text)) for text in (1, "2", "a100:2", "a100:1,h100:2", "a100_3g.20gb:1")),
    *(("slurm.gres", text, text) for text in ("gpu", "gpu:1", "gpu:a100:2", "gpu:1,lustre:1", "gpumem:24g", "gres:gpu:1")),
    *(("slurm.nodes", text, str(text)) for text in (1, "2", "1-4")),
    *(("slurm.signal", text, str(text)) for text in (10, "TERM", "TERM@120", "B:USR1@60", "RB:USR1@60", "b:usr1@60", "SIGUSR1@60")),
    *(("slurm.exclusive", value, got) for value, got in ((True, True), (False, False), ("true", True), ("user", "user"), ("mcs", "mcs"))),
    *(("slurm.get_user_env", value, got) for value, got in ((True, True), ("10", "10"), ("10L", "10L"), ("false", False))),
    ("slurm.requeue", "yes", True),
    ("slurm.nice", -5, -5),
    ("slurm.mail_type", "begin,time_limit_80", "BEGIN,TIME_LIMIT_80"),
    ("slurm.constraint", "gpu&hbm80g", "gpu&hbm80g"),
    ("slurm.partition", "a,b", "a,b"),
    ("slurm.extra_directives", "--hint=x '--comment=a b'", ("--hint=x", "--comment=a b")),
    ("slurm.extra_directives", ["--gpu_cmode=shared"], ("--gpu_cmode=shared",)),
    ("env.modules", "cuda/12.4, anaconda", ("cuda/12.4", "anaconda")),
    ("env.prologue", "a\n\tb\n", "a\n\tb\n"),
    ("env.vars", {"A": "", "B": 1, "C": "x" * 5000}, {"A": "", "B": "1", "C": "x" * 5000}),
    ("server.interface", "ib0", "ib0"),
    ("server.bind_ip", "::1", "::1"),
    ("match.hostname", "a*, b*", ("a*", "b*")),
]  # fmt: skip

REFUSED: list[tuple[str, Any]] = [
    *(("slurm.mem", value) for value in ("lots", "1P", "1Gi", "-1", "1.5G", "", True, 1.5, -1)),
    *(("slurm.time", value) for value in ("1h", "4:00:00:00", "0", "", "1.5", 0, True)),
    *(("slurm.gpus", value) for value in (0, "a100", "-1", "a100:0", "a b:1", True)),
    *(("slurm.gres", value) for value in ("", "gpu:1 gpu:2", "gpu:1;x", "gpu:a:b:c", 1)),
    *(("slurm.nodes", value) for value in (0, "1-", "a")),
    *(("slurm.signal", value) for value in ("@60", "B@60", "0@60", "TERM@", "TERM@1000000", "X:TERM")),
    *(("slurm.exclusive", value) for value in ("nope", 2, "")),
    *(("slurm.get_user_env", value) for value in ("lots", "10X")),
    *(("slurm.cpus_per_task", value) for value in (0, "lots", True, 1.5)),
    *(("slurm.nice", value) for value in ("lots", True)),
    *(("slurm.mail_type", value) for value in ("", "NOPE", "TIME_LIMIT_70")),
    *((f"slurm.{name}", value) for name in ("partition", "account", "qos") for value in ("", " ", "a b", "a\nb", 12, "x" * 1025)),
    *(("slurm.comment", value) for value in ("a\nb", "a\x00", "a\u2028b", "a\x85b", " ", "\ud800", "ü" * 513)),
    *(("slurm.extra_directives", [value]) for value in ("x", "-x", "--output=x", "--wrap=x", "--array=1", "--a=1\n#SBATCH --b", "--", "--A=1")),
    *(("env.modules", [value]) for value in ("", "a b", "-x", "a'b", "a\nb")),
    *(("env.prologue", value) for value in ("a\x00", "a\x1b[2J", "\ud800")),
    *(("env.vars", value) for value in ({"1A": "x"}, {"A B": "x"}, {"A": "x\ny"}, {"A;B": "x"})),
    *(("env.venv", value) for value in ("$SCRATCH/x", "${HOME}/x", "a\0b")),
    *(("server.interface", value) for value in ("", "a b", "x" * 16, "ib0;rm")),
    ("server.bind_ip", "localhost"),
    ("env.container", {"runtime": "apptainer"}),
    ("env.container", {"runtime": "docker", "image": "x"}),
    ("extends", "../x"),
]  # fmt: skip


def _profile(path: str, value: object) -> Profile:
    *sections, key = path.split(".")
    nested: dict[str, Any] = {key: value}
    for section in reversed(sections):
        nested = {section: nested}
    return Profile.model_validate(nested)


@pytest.mark.parametrize(("path", "value", "got"), ACCEPTED)
def test_a_value_is_taken_as_slurm_would(path: str, value: object, got: object) -> None:
    assert value_at(_profile(path, value), path) == got


@pytest.mark.parametrize(("path", "value"), REFUSED)
def test_a_value_that_slurm_would_not_take_is_refused(path: str, value: object) -> None:
    with pytest.raises(ValidationError):
        _profile(path, value)
