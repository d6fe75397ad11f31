"""From a merged profile to one that is ready to use."""

from __future__ import annotations

from pathlib import Path

from jlab_mcp.core.profile import Profile
from jlab_mcp.core.resolver import Facts, Layer, Origin, origins_of, resolve

FACTS = Facts(project_dir=Path("/data/p"), home=Path("/home/me"))


def test_unset_paths_lie_where_the_published_interface_says() -> None:
    resolved = resolve(Profile(), FACTS)
    assert resolved.state_dir == Path("/home/me/.jlab-mcp")
    assert resolved.log_dir == Path("/home/me/.jlab-mcp/logs")
    assert resolved.connection_dir == Path("/home/me/.jlab-mcp/connections")
    assert resolved.notebook_dir == Path("/data/p/notebooks")
    assert (resolved.port_min, resolved.port_max, resolved.bind_ip) == (18000, 19000, "127.0.0.1")


def test_relative_paths_start_at_the_project_and_a_tilde_at_home() -> None:
    profile = Profile.model_validate(
        {"paths": {"dir": "../state", "log_dir": "~/logs"}, "notebook": {"dir": "/nb"}}
    )
    resolved = resolve(profile, FACTS)
    assert resolved.state_dir == Path("/data/state")
    assert resolved.connection_dir == Path("/data/state/connections")
    assert resolved.log_dir == Path("/home/me/logs")
    assert resolved.notebook_dir == Path("/nb")


def test_an_open_mode_depends_on_sbatch_and_says_so() -> None:
    here = resolve(Profile(), FACTS)
    cluster = resolve(Profile(), Facts(FACTS.project_dir, FACTS.home, has_sbatch=True))
    assert (here.mode, here.name, str(here.origins["mode"])) == ("local", "local", "`sbatch` is not on PATH")
    assert (cluster.mode, cluster.name, str(cluster.origins["mode"])) == (
        "slurm",
        "slurm",
        "`sbatch` is on PATH",
    )


def test_a_chosen_mode_and_profile_stay_as_chosen() -> None:
    facts = Facts(FACTS.project_dir, FACTS.home, profile="a100", has_sbatch=True)
    resolved = resolve(Profile(mode="local"), facts)
    assert (resolved.mode, resolved.name) == ("local", "a100")


def test_a_value_comes_from_the_highest_layer_that_has_it() -> None:
    flag = Layer({}, {"slurm.time": Origin("flag", "TIME", "1:00")})
    variables = Layer(
        {}, {"slurm.time": Origin("variable", "V", "2:00"), "mode": Origin("variable", "M", "local")}
    )
    found = origins_of([flag, variables])
    assert found.of["slurm.time"].where == "TIME"
    assert found.of["mode"].where == "M"
    assert str(found.of["slurm.mem"]) == "built-in"
    assert found.overridden == {"slurm.time": (Origin("variable", "V", "2:00"),)}
