"""Drafts of profiles on recorded sites, checked by the loader."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jlab_mcp.app.context import load
from jlab_mcp.app.profiles.draft import Draft, make_draft, write_draft
from jlab_mcp.app.profiles.ground import Ground, look_around, name_problem, scene_of
from jlab_mcp.core.drafting.interview import by_default, settled
from jlab_mcp.errors import ConfigError
from tests.sites import install

SHIPPED = sorted(path.stem for path in (Path(__file__).parents[2] / "profiles").glob("*.toml"))
SITES = ("alpha", "puhti", "sdf")
"""A cluster with everything, one with many accounts and one that shows several types of GPU."""


def ground_at(folder: Path, site: str) -> Ground:
    """Look around on a site, as a user without any settings."""
    environ = install(folder / site, site) | {"XDG_CONFIG_DIRS": str(folder / "no-site")}
    return asyncio.run(look_around(environ, folder, seconds=60))


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Ground]:
    """What there is on each site."""
    folder = tmp_path_factory.mktemp("sites")
    return {site: ground_at(folder, site) for site in SITES}


def draft_of(ground: Ground, base: str | None, **given: object) -> Draft:
    """Draft a profile, with everything proposed but what is given."""
    scene = scene_of(ground, base, {})
    needed = dict.fromkeys(scene.missing, "1") | given
    answers, unanswered = by_default(scene, needed)
    assert not unanswered
    return make_draft(ground, scene, "mine", answers, {})


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("base", SHIPPED)
def test_every_shipped_profile_can_be_begun_with_anywhere(
    grounds: Mapping[str, Ground], site: str, base: str
) -> None:
    draft = draft_of(grounds[site], base)

    said = tomllib.loads(draft.text)
    assert said["extends"] == base
    assert not draft.resolved.missing
    # What it proposes is what that profile says; only what is the user's own is added to it.
    assert {*said.get("slurm", {})} <= {
        "account",
        *(path.partition(".")[2] for path in _required(grounds[site], base)),
    }


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SITES), st.sampled_from([None, *SHIPPED]), st.data())
def test_whatever_is_chosen_is_what_the_profile_says(
    grounds: Mapping[str, Ground], site: str, base: str | None, data: st.DataObject
) -> None:
    scene = scene_of(grounds[site], base, {})
    answers, question = settled(scene, {})
    while question is not None:
        values = [option.value for option in question.options if not question.several]
        answers[question.key] = (
            data.draw(st.sampled_from(values), question.key) if values else question.default
        )
        if question.key in scene.missing and answers[question.key] is None:
            answers[question.key] = "1"
        answers, question = settled(scene, answers)

    slurm = make_draft(grounds[site], scene, "mine", answers, {}).resolved.slurm

    for key in ("partition", "account", "qos", "time", "cpus_per_task", "mem"):
        wanted = answers.get(f"slurm.{key}")
        assert getattr(slurm, key) == wanted or f"slurm.{key}" not in answers
    request = next(
        iter(filter(None, (slurm.gpus, slurm.gpus_per_node, slurm.gpus_per_task, slurm.gres))), None
    )
    if answers.get("gpus"):
        kind = f"{answers['gpu_type']}:" if answers.get("gpu_type") else ""
        assert str(request).removeprefix("gpu:").split(",")[0] == f"{kind}{answers['gpus']}"
    elif "gpus" in answers and (scene.base is None or scene.base.gpus or not scene.base.gpu_key):
        assert request is None


def _required(ground: Ground, base: str) -> tuple[str, ...]:
    found = scene_of(ground, base, {}).base
    assert found
    return found.required


@pytest.mark.parametrize("site", SITES)
def test_what_is_read_back_is_what_was_checked(tmp_path: Path, site: str) -> None:
    ground = ground_at(tmp_path, site)
    draft = draft_of(ground, None, gpus=2)

    path, backup = write_draft(ground, draft)

    assert backup is None
    assert path.read_text(encoding="utf-8") == draft.text
    loaded = load("mine", project_dir=tmp_path, environ=ground.environ)
    assert loaded.profile.slurm == draft.resolved.profile.slurm
    assert loaded.profile.env == draft.resolved.profile.env
    assert loaded.mode == draft.resolved.mode


def test_a_file_that_appears_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    ground = ground_at(tmp_path, "alpha")
    draft = draft_of(ground, None)
    file = ground.file_of("mine")
    file.parent.mkdir(parents=True)
    file.write_text("# somebody else's\n")

    with pytest.raises(ConfigError, match="is there already"):
        write_draft(ground, draft)

    assert file.read_text() == "# somebody else's\n"


def test_a_link_to_nowhere_is_not_written_through(tmp_path: Path) -> None:
    ground = ground_at(tmp_path, "alpha")
    file = ground.file_of("mine")
    file.parent.mkdir(parents=True)
    file.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ConfigError, match="is there already"):
        write_draft(ground, draft_of(ground, None))

    assert not (tmp_path / "elsewhere").exists()


def test_a_profile_cannot_extend_itself(tmp_path: Path) -> None:
    write_draft(*_written(tmp_path))
    ground = ground_at(tmp_path, "alpha")

    assert "cannot extend itself" in str(name_problem(ground, "mine", "mine"))
    assert name_problem(ground, "raven", "raven") is None  # the user's own raven extends the shipped one


def _written(folder: Path) -> tuple[Ground, Draft]:
    ground = ground_at(folder, "alpha")
    return ground, draft_of(ground, None)


def test_a_base_that_is_not_there_or_broken_is_told(tmp_path: Path) -> None:
    ground = ground_at(tmp_path, "alpha")
    with pytest.raises(ConfigError, match='there is no profile "ravne", did you mean `raven`'):
        scene_of(ground, "ravne", {})

    broken = ground.file_of("broken")
    broken.parent.mkdir(parents=True)
    broken.write_text('[slurm]\ntime = "soon"\n')
    with pytest.raises(ConfigError, match=r"broken\.toml:2: slurm\.time: expected"):
        scene_of(ground, "broken", {})


def test_a_local_profile_keeps_the_environment_of_the_one_it_extends(tmp_path: Path) -> None:
    ground = ground_at(tmp_path, "alpha")
    base = ground.file_of("base")
    base.parent.mkdir(parents=True)
    base.write_text('mode = "local"\n[env]\nvenv = "/there"\n')

    draft = draft_of(ground, "base")

    assert "env" not in tomllib.loads(draft.text)
    assert draft.script is None
    assert draft.resolved.venv == Path("/there")


def test_an_environment_of_the_other_profile_is_given_up_for_the_projects_own(tmp_path: Path) -> None:
    ground = ground_at(tmp_path, "alpha")
    base = ground.file_of("base")
    base.parent.mkdir(parents=True)
    base.write_text('mode = "slurm"\n[env]\nvenv = "/there"\nmodules = ["cuda"]\n')

    kept = tomllib.loads(draft_of(ground, "base").text)
    other = draft_of(ground, "base", **{"env.venv": None, "env.modules": ()})

    assert "env" not in kept
    assert tomllib.loads(other.text)["env"] == {"venv": "none", "modules": "none"}
    assert other.resolved.venv is None
    assert other.resolved.env.modules is None
