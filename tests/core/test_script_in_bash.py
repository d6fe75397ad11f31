"""The sbatch script, run by a real bash with a recorder in the launcher's place."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from jlab_mcp.core.profile import Profile
from jlab_mcp.core.resolver import Facts, ResolvedProfile, resolve
from jlab_mcp.core.script import JobPaths, render_script
from jlab_mcp.errors import ConfigError
from tests.core.golden_scripts import JOB, NASTY
from tests.core.test_sbatch import A_TEXT, NASTY_TEXTS

LINE = st.one_of(
    st.sampled_from([text for text in NASTY_TEXTS if text.isprintable()]),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=20),
    st.text("\\\"'#$`ab(){}~*?!&;|<> /", min_size=1, max_size=12),
)
"""What is hardly ever refused at once."""
REAL_MODULES = Path("/usr/share/modules/init/bash")
RECORDER = '#!/bin/bash\nprintf "%s\\0" "$PWD" "$0" "$@" > "$RECORD"\nenv -0 > "$RECORD.env"\n'
SECONDS = 60


class Stage:
    """A folder with a recorder, in which scripts run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = folder / "record"
        self.bin = folder / "bin"
        self.python = self.add("bin/python", RECORDER)

    def add(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o700)
        return path

    def resolved(self, project: Path | None = None, **sections: object) -> ResolvedProfile:
        profile = Profile.model_validate({"mode": "slurm", **sections})
        return resolve(profile, Facts(project or self.folder, self.folder))

    def run(
        self, resolved: ResolvedProfile, before: str = "", python: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a script, with lines of bash put before it; `record` tells what reached the recorder."""
        script = self.folder / "job.sh"
        job = JobPaths(python or self.python, JOB.launcher, JOB.connection_file, JOB.log_file)
        script.write_text(before + "\n" + render_script(resolved, job), encoding="utf-8")
        environ = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "RECORD": str(self.record),
            "SLURM_JOB_ID": "42",
            "JUPYTER_TOKEN": "secret",
            "JLAB_MCP_PROFILE": "other",
        }
        return subprocess.run(
            ["bash", script], env=environ, capture_output=True, text=True, check=False, timeout=SECONDS
        )

    def words(self) -> list[str]:
        """The recorder's folder, name and arguments."""
        return self.record.read_text(encoding="utf-8").split("\0")[:-1]

    def variables(self) -> dict[str, str]:
        pairs = Path(f"{self.record}.env").read_text(encoding="utf-8").split("\0")[:-1]
        return dict(pair.split("=", 1) for pair in pairs)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@contextmanager
def a_stage() -> Iterator[Stage]:
    """Make a stage for one example of a property."""
    with TemporaryDirectory() as folder:
        yield Stage(Path(folder))


def test_kernels_inherit_neither_a_token_nor_settings_and_find_their_python_first(stage: Stage) -> None:
    assert stage.run(stage.resolved()).returncode == 0
    inherited = stage.variables()
    assert not [name for name in inherited if name.startswith(("JUPYTER_TOKEN", "JLAB_MCP_"))]
    assert inherited["PATH"].split(":")[0] == str(stage.bin)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=LINE, value=st.one_of(LINE, A_TEXT), module=LINE, conda=LINE, notebooks=LINE)
def test_no_value_leaves_its_quotes_on_its_way_through_bash(
    name: str, value: str, module: str, conda: str, notebooks: str
) -> None:
    with a_stage() as stage:
        folder = stage.folder / name.replace("/", "").replace("\0", "").strip(".")
        env: dict[str, object] = {}
        for path, setting in (("vars", {"MINE": value}), ("modules", [module]), ("conda", conda)):
            try:
                Profile.model_validate({"env": {path: setting}})
            except ValidationError:
                continue  # refused
            env[path] = setting
        try:
            resolved = stage.resolved(folder, env=env, notebook={"dir": notebooks})
        except ValidationError:
            resolved = stage.resolved(folder, env=env)
        # Stand-ins, because no real module and no real environment has names like these.
        module_function = f'module() {{ printf "%s\\0" "$@" > {stage.folder}/modules; }}\n'
        stage.add("bin/conda", f"#!/bin/sh\necho {stage.folder}/conda\n")
        stage.add(
            "conda/etc/profile.d/conda.sh",
            f'conda() {{ printf "%s\\0" "$@" > {stage.folder}/conda/said; CONDA_PREFIX={stage.folder}; }}\n',
        )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if resolved.env.conda and (resolved.env.conda == "~" or "/" in resolved.env.conda):
                _make_python(stage, resolved)
            done = stage.run(resolved, module_function)
        except (ConfigError, OSError):
            return  # refused, or no folder can have this name
        assert (done.returncode, done.stderr) == (0, "")
        words = stage.words()
        assert words[0] == str(folder)
        assert f"--notebook-dir={resolved.notebook_dir}" in words
        assert words[-2:] == ["--job-id=42", "--restarts=0"]
        assert len(words) == 12
        if "vars" in env and value:
            assert stage.variables()["MINE"] == value
        if "modules" in env:
            assert (stage.folder / "modules").read_text(encoding="utf-8") == f"load\0{module}\0"
        if "conda" in env and "/" not in conda and conda != "~":
            said = (stage.folder / "conda/said").read_text(encoding="utf-8")
            assert said == f"activate\0{conda}\0"
        assert not list(stage.folder.rglob("pwned"))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(image=LINE, bind=LINE, interface=LINE, runtime=st.sampled_from(["apptainer", "pyxis"]))
def test_no_value_leaves_its_quotes_on_its_way_into_a_container(
    image: str, bind: str, interface: str, runtime: str
) -> None:
    with a_stage() as stage:
        for name in ("apptainer", "srun"):  # recorders, because no image is called like this
            stage.add(f"bin/{name}", RECORDER)
        container = {"runtime": runtime, "image": image, "binds": [bind]}
        try:
            resolved = stage.resolved(env={"container": container}, server={"interface": interface})
        except ValidationError:
            try:
                resolved = stage.resolved(env={"container": container})
            except ValidationError:
                return  # refused
        path = f"{stage.folder}/{image}"
        if image == "~" or image.startswith(("/", "~/")) or ".." in Path(image).parts:
            return  # outside of the test's folder
        try:
            if "://" not in image:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                Path(path).touch()
            done = stage.run(resolved)
        except (ConfigError, OSError):
            return
        if runtime == "apptainer" and not os.path.exists(path) and "://" not in image:  # noqa: PTH110
            return  # `x/` is no file
        assert (done.returncode, done.stderr) == (0, "")
        words = stage.words()
        if runtime == "apptainer":
            assert words[2:4] == ["exec", "--nv"]
            at_home = f"{stage.folder}{bind[1:]}" if bind == "~" or bind.startswith("~/") else bind
            assert at_home in words
            assert words[words.index("python3") - 1] in (path, image)
        else:
            assert f"--container-image={image}" in words
            assert words[words.index("python3") - 1] == f"--container-workdir={stage.folder}"
        if resolved.interface:
            assert f"--interface={interface}" in words


def _make_python(stage: Stage, resolved: ResolvedProfile) -> None:
    conda = resolved.env.conda or ""
    home = str(stage.folder)
    text = f"{home}/{conda[2:]}" if conda == "~" or conda.startswith("~/") else conda
    path = Path(text if text.startswith("/") else f"{resolved.project_dir}/{text}") / "bin" / "python"
    if not path.is_relative_to(stage.folder) or ".." in path.parts:
        raise OSError("outside of the test's folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RECORDER)
    path.chmod(0o700)


@pytest.mark.parametrize("text", [text for text in NASTY_TEXTS if "\n" not in text and "\r" not in text])
def test_a_variable_holds_its_value_and_nothing_is_expanded(stage: Stage, text: str) -> None:
    try:
        resolved = stage.resolved(env={"vars": {"MINE": text}})
    except ValidationError:
        return
    assert stage.run(resolved).returncode == 0
    assert stage.variables()["MINE"] == text


def test_the_prologue_runs_in_the_project_before_modules_and_ends_where_it_ends(stage: Stage) -> None:
    lines = 'pwd > where\nmodule() { echo "$@" >> loaded; }\ncat > here <<\'EOF\'\nit\'s "here"\nEOF\ntrue \\'
    env = {"prologue": lines, "modules": "cuda", "module_purge": True, "vars": {"A": "1"}}
    done = stage.run(stage.resolved(env=env))
    assert (done.returncode, done.stderr) == (0, "")
    assert (stage.folder / "where").read_text() == f"{stage.folder}\n"
    assert (stage.folder / "loaded").read_text() == "purge\nload cuda\n"
    assert (stage.folder / "here").read_text() == 'it\'s "here"\n'


def test_a_prologue_with_strict_settings_of_the_shell_does_not_get_in_the_way(stage: Stage) -> None:
    env = {"prologue": "set -euo pipefail", "epilogue": "echo over", "vars": {"A": ""}}
    done = stage.run(stage.resolved(env=env))
    assert (done.returncode, done.stdout, done.stderr) == (0, "over\n", "")


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"modules": "cuda"}, "load modules: there is no command `module` here"),
        ({"venv": "/no/venv"}, "activate the virtual environment /no/venv: there is no bin/activate in it"),
        ({"conda": "/no/env"}, "run bin/python of the conda environment /no/env: it is not there"),
        (
            {"container": {"image": "/no/image.sif"}},
            "run the container: neither `apptainer` nor `singularity`",
        ),
        ({"container": {"runtime": "pyxis", "image": "x"}}, "run the container: there is no `srun` on PATH"),
    ],
)
def test_what_is_missing_on_the_node_ends_the_job_with_a_sentence(
    stage: Stage, env: dict[str, object], sentence: str
) -> None:
    nothing = "unset -f module ml; PATH=/nowhere\n"
    done = stage.run(stage.resolved(env=env), nothing)
    assert done.returncode == 1
    assert done.stderr.startswith(f"jlab-mcp: cannot {sentence}")
    assert not stage.record.exists()


def test_a_conda_environment_without_conda_ends_the_job_with_a_sentence(stage: Stage) -> None:
    done = stage.run(stage.resolved(env={"conda": "torch"}), "PATH=/nowhere\n")
    assert done.returncode == 1
    assert "jlab-mcp: cannot activate the conda environment torch: there is no working conda" in done.stderr


def test_a_python_that_is_not_there_ends_the_job_with_a_sentence(stage: Stage) -> None:
    done = stage.run(stage.resolved(), python=Path("/no/python"))
    assert (done.returncode, done.stderr) == (1, "jlab-mcp: cannot run /no/python: it is not there\n")


def test_a_virtual_environment_is_activated_and_its_python_used(stage: Stage) -> None:
    stage.add("venv/bin/activate", "export VIRTUAL_ENV=here\nfalse\n")
    stage.add("venv/bin/python", RECORDER)
    assert stage.run(stage.resolved(env={"venv": f"{stage.folder}/venv"})).returncode == 0
    assert stage.words()[1] == f"{stage.folder}/venv/bin/python"
    assert stage.variables()["VIRTUAL_ENV"] == "here"


def test_a_conda_environment_in_the_home_folder_is_used_by_its_path(stage: Stage) -> None:
    stage.add("my env/bin/python", RECORDER)
    assert stage.run(stage.resolved(env={"conda": "~/my env"})).returncode == 0
    assert stage.variables()["CONDA_PREFIX"] == f"{stage.folder}/my env"
    assert stage.variables()["PATH"].startswith(f"{stage.folder}/my env/bin:")


# What `module` of version 3 does: it is in no package registry any more, and old clusters have it.
VERSION_3 = (
    "MODULE_VERSION=3.2.10\nmodule() {\n  case $2 in\n"
    '    there | there/1) LOADEDMODULES="${LOADEDMODULES:+$LOADEDMODULES:}there/1" ;;\n'
    "    again) ;;\n    *) echo 'ERROR:105: Unable to locate a modulefile' >&2 ;;\n  esac\n  return 0\n}\n"
)


@pytest.mark.parametrize(
    ("modules", "before", "loads"),
    [
        ("there", "", True),
        ("there/1", "", True),
        ("nope", "", False),
        ("there nope", "", False),
        ("again", "LOADEDMODULES=x:again/2:y\n", True),
        ("again", "LOADEDMODULES=againandagain\n", False),
    ],
)
def test_a_module_that_an_old_command_fails_to_load_ends_the_job_too(
    stage: Stage, modules: str, before: str, loads: bool
) -> None:
    done = stage.run(stage.resolved(env={"modules": modules}), VERSION_3 + before)
    assert done.returncode == (0 if loads else 1)
    assert stage.record.exists() == loads
    if not loads:
        assert f"jlab-mcp: cannot load the module {modules.rsplit(maxsplit=1)[-1]}\n" in done.stderr


@pytest.mark.parametrize("real", [True, False] if REAL_MODULES.exists() else [False])
def test_a_module_that_does_not_load_ends_the_job_with_a_sentence(stage: Stage, real: bool) -> None:
    (stage.folder / "modulefiles").mkdir()
    (stage.folder / "modulefiles/good").write_text("#%Module\nsetenv GOOD 1\n")
    before = f". {REAL_MODULES}; module use {stage.folder}/modulefiles\n"
    if not real:  # as a current version answers
        before = 'module() { [ "$2" = good ] && export GOOD=1; }\n'
    assert stage.run(stage.resolved(env={"modules": "good"}), before).returncode == 0
    assert stage.variables()["GOOD"] == "1"
    done = stage.run(stage.resolved(env={"modules": "good cuda/99"}), before)
    assert done.returncode == 1
    assert done.stderr.endswith("jlab-mcp: cannot load the module cuda/99\n")


CHILD = """#!/usr/bin/env python3
import signal, sys
got = []
def on_signal(number, frame):
    got.append(number)
    print("got", signal.Signals(number).name, flush=True)
numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")]
before = [signal.signal(number, on_signal) for number in numbers]
print("ready", signal.SIG_IGN not in before, flush=True)
while len(got) < 2:
    signal.pause()
print("ended", flush=True)
sys.exit(7)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"])
def test_the_epilogue_waits_for_a_launcher_that_takes_its_time_to_stop(stage: Stage, name: str) -> None:
    child = stage.add("bin/slow", CHILD)
    resolved = stage.resolved(env={"epilogue": "echo over; exit 3"})
    job = JobPaths(child, JOB.launcher, JOB.connection_file, JOB.log_file)
    script = stage.add("job.sh", render_script(resolved, job))
    with subprocess.Popen(
        ["bash", script], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready True\n"
            for _ in range(2):
                process.send_signal(signal.Signals[name])
                assert process.stdout.readline() == f"got {name}\n"
            rest = process.stdout.read()
        finally:
            with suppress(ProcessLookupError):  # gone, all of them
                os.killpg(process.pid, signal.SIGKILL)
    assert rest == "ended\nover\n"
    assert process.returncode == 7


@pytest.mark.parametrize(("line", "status"), [("exit 4", 4), ("kill -KILL $$", 137), ("exit 127", 127)])
def test_after_the_epilogue_the_status_is_the_launchers(stage: Stage, line: str, status: int) -> None:
    stage.add("bin/python", f"#!/bin/bash\n{line}\n")
    done = stage.run(stage.resolved(env={"epilogue": "echo over\nfalse"}))
    assert (done.stdout, done.returncode) == ("over\n", status)


def test_without_an_epilogue_the_launcher_takes_the_shells_place(stage: Stage) -> None:
    stage.add("bin/python", '#!/bin/bash\necho "$$" "$PPID"\n')
    script = stage.add(
        "job.sh",
        render_script(
            stage.resolved(), JobPaths(stage.python, JOB.launcher, JOB.connection_file, JOB.log_file)
        ),
    )
    with subprocess.Popen(["bash", script], stdout=subprocess.PIPE, text=True) as process:
        told, _ = process.communicate(timeout=SECONDS)
    assert told.split() == [str(process.pid), str(os.getpid())]


def test_apptainer_gets_the_folders_that_jupyterlab_needs(stage: Stage) -> None:
    stage.add("bin/singularity", RECORDER)
    stage.add("lab.sif", "")
    container = {"image": "lab.sif", "binds": ["/scratch:/s:ro"], "gpus": "rocm"}
    resolved = stage.resolved(
        env={"container": container, "venv": "/apps/venv"},
        notebook={"dir": "/books"},
        paths={"log_dir": "/logs"},
    )
    done = stage.run(resolved, "export PATH=" + str(stage.bin) + ":/usr/bin:/bin\n")
    assert (done.returncode, done.stderr) == (0, "")
    words = stage.words()
    binds = [after for word, after in pairwise(words) if word == "--bind"]
    assert binds == [str(stage.folder), "/books", "/logs", "/apps/venv", "/scratch:/s:ro"]
    assert words[2:4] == ["exec", "--rocm"]
    python = words.index("/apps/venv/bin/python")
    assert words[python - 1 : python + 2] == [
        f"{stage.folder}/lab.sif",
        "/apps/venv/bin/python",
        str(JOB.launcher),
    ]


def test_a_folder_of_any_name_is_entered_and_passed_on(stage: Stage) -> None:
    folder = stage.folder / NASTY.removeprefix("/data/")
    folder.mkdir()
    assert stage.run(stage.resolved(folder)).returncode == 0
    words = stage.words()
    assert words[0] == str(folder)
    assert f"--root-dir={folder}" in words
    assert not list(stage.folder.rglob("pwned"))
