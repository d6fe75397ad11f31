"""The scripts that the golden files hold; `python -m tests.core.golden_scripts` writes them anew."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jlab_mcp.config.load import read
from jlab_mcp.core.profile import Profile
from jlab_mcp.core.resolver import PUBLISHED_SLURM, Facts, ResolvedProfile, resolve
from jlab_mcp.core.script import JobPaths, render_script

GOLDEN = Path(__file__).parent / "golden"
SHIPPED = Path(__file__).parents[2] / "profiles"
JOB = JobPaths(
    python=Path("/data/p/.venv/bin/python"),
    launcher=Path("/home/me/.jlab-mcp/node/0123/jlab_mcp_node/launch.py"),
    connection_file=Path("/home/me/.jlab-mcp/connections/k.connection.json"),
    log_file=Path("/home/me/.jlab-mcp/logs/k.log"),
)
NASTY = '/data/it\'s "näive" $(touch pwned) `x` \\ #% p'


def resolved(project: str = "/data/p", template: str | None = None, **sections: object) -> ResolvedProfile:
    profile = Profile.model_validate({"mode": "slurm", **sections})
    return resolve(profile, Facts(Path(project), Path("/home/me"), template=template))


def shipped(name: str) -> ResolvedProfile:
    """Resolve a shipped profile on a machine where nobody has set anything."""
    nothing = {"HOME": "/home/me", "XDG_CONFIG_HOME": "/nowhere", "XDG_CONFIG_DIRS": "/nowhere", "PATH": ""}
    reading = read(nothing, Path("/data/p"), profile=name)
    facts = Facts(Path("/data/p"), Path("/home/me"), profile=reading.name, template=reading.template)
    return resolve(reading.profile, facts, origins=reading.origins)


def script(of: ResolvedProfile) -> str:
    return render_script(of, JOB, server_id="00112233aabbccdd")


@cache
def cases() -> dict[str, ResolvedProfile]:
    """All golden files below `golden/`, without `.sh`."""
    own = {
        "published-defaults": resolved(slurm=dict(PUBLISHED_SLURM)),
        "modules": resolved(slurm={"partition": "a,b"}, env={"modules": "cuda/12.4 anaconda"}),
        "nothing-set": resolved(),
        "nasty-folder": resolved(NASTY, slurm={"gres": "gpu:1"}),
        "everything": resolved(slurm=EVERY_OPTION, env=EVERY_STEP, server={"interface": "ib0"}),
        "conda-by-name": resolved(env={"conda": "torch"}),
        "conda-by-path": resolved(env={"conda": "~/envs/my torch"}),
        "apptainer": resolved(
            env={
                "container": {"image": "lab.sif", "binds": ["/scratch:/scratch:ro", "~/data"], "gpus": "rocm"}
            },
            notebook={"dir": "/data/books"},
        ),
        "pyxis": resolved(
            env={"container": {"runtime": "pyxis", "image": "nvcr.io#nvidia/pytorch:25.01-py3"}}
        ),
        "own-template": resolved(NASTY, OWN_TEMPLATE, slurm={"account": "a"}, env={"modules": "cuda"}),
    }
    return own | {f"shipped/{path.stem}": shipped(path.stem) for path in sorted(SHIPPED.glob("*.toml"))}


EVERY_OPTION = {
    "partition": "gpu,big",
    "account": "proj_g",
    "qos": "normal",
    "constraint": "gpu&hbm80g",
    "gres": "gpumem:24g",
    "gpus": "a100:2",
    "cpus_per_gpu": 8,
    "mem_per_gpu": "60G",
    "nodes": "1-2",
    "ntasks": 2,
    "time": "1-12:00:00",
    "nodelist": "n[1-4]",
    "exclude": "n5",
    "reservation": "course",
    "clusters": "alpha",
    "exclusive": "user",
    "requeue": False,
    "signal": "B:TERM@120",
    "mail_type": "END,FAIL",
    "mail_user": "me@example.org",
    "export": "NONE",
    "get_user_env": "10L",
    "licenses": "matlab:1",
    "nice": 100,
    "tmp": "10G",
    "comment": 'say "hi" to \\ and $HOME',
    "job_name": "mine",
    "extra_directives": ["--gpu_cmode=shared", "--wckey=a b", "--contiguous"],
}
EVERY_STEP = {
    "prologue": "unset SLURM_EXPORT_ENV\nmodule use /apps/modules\n",
    "module_purge": True,
    "modules": "cuda/12.4 python",
    "vars": {"NCCL_DEBUG": "INFO", "HF_HOME": "/scratch/it's mine", "NOTHING": ""},
    "venv": "/apps/envs/lab",
    "epilogue": "rm -rf /scratch/tmp-of-mine",
}
OWN_TEMPLATE = """\
#!/bin/bash
# Of {{name}}, at {{project_dir}}.
{{directives}}
#SBATCH --wckey={{name}}

source /etc/profile
{{ prepare }}
echo "started" > {{log_file}}.started
{{launch}}
"""


def main() -> None:
    (GOLDEN / "shipped").mkdir(parents=True, exist_ok=True)
    wanted = {GOLDEN / f"{name}.sh": script(of) for name, of in cases().items()}
    for old in set(GOLDEN.rglob("*.sh")) - wanted.keys():
        old.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    print(f"{len(wanted)} scripts written to {GOLDEN}")


if __name__ == "__main__":
    main()
