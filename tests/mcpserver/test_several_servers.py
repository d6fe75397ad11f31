"""An agent with several servers of its project: one for each profile."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp_types import TextResourceContents

from tests.agent import agent
from tests.commands import kill, run
from tests.conftest import Project, make_project
from tests.profiles import LOCAL, paths_of, profile_file, record_of, with_profiles

pytestmark = pytest.mark.live


@pytest.fixture
async def project(tmp_path: Path) -> AsyncIterator[Project]:
    """A project with the local profiles `big` (in use) and `small`; whatever runs is stopped at the end."""
    made = with_profiles(make_project(tmp_path), big=LOCAL, small=LOCAL + 'description = "Few cores"\n')
    made.env["JLAB_MCP_PROFILE"] = "big"
    yield made
    run(made, "stop", "--all")


async def test_sessions_on_two_servers_are_found_by_their_ids_alone(project: Project):
    async with agent(project) as me:
        await me.ok("start_server")
        on_big = await me.open("one")
        await me.ok("start_server", profile="small")
        on_small = await me.open("two")
        named = await me.ok("start_new_session", experiment_name="three", profile="big")
        assert named["profile"] == "big"
        for session_id, profile in ((on_big, "big"), (on_small, "small"), (named["session_id"], "big")):
            done = await me.ok("execute_code", session_id=session_id, code=f"here = '{profile}'; here")
            assert done["profile"] == profile
        assert len((await me.ok("list_sessions"))["sessions"]) == 3
        assert [
            each["session_id"] for each in (await me.ok("list_sessions", profile="small"))["sessions"]
        ] == [on_small]

    async with agent(project) as me:  # another process, which knows of no session
        for session_id, profile in ((on_small, "small"), (on_big, "big")):
            done = await me.ok("execute_code", session_id=session_id, code="print(here)")
            assert (done["profile"], profile in done["text"]) == (profile, True)
            read = await me.ok("get_output", execution_id=done["execution_id"])
            assert read["profile"] == profile
            again = await me.ok(
                "start_session_resume_notebook", experiment_name="x", notebook_path=done["notebook_path"]
            )
            assert (again["session_id"], again["already_open"]) == (session_id, True)
            note = "NOTE: The notebook is open on the server of profile small, so that one is used."
            assert again["text"].startswith(note) == (profile == "small")
        said = await me.refused("execute_code", session_id="00000000", code="1")
        assert "asked: big (no), small (no)" in said
        assert "`list_sessions`" in said
        said = await me.refused("get_output", execution_id="0" * 16)
        assert "asked: big (no), small (no)" in said

        await me.ok("stop_server", profile="small")
        gone = await me.refused("execute_code", session_id=on_small, code="1")
        assert "No server is running" in gone
        assert "(profile small)" in gone
        alive = await me.ok("execute_code", session_id=on_big, code="here")
        assert "big" in alive["text"]


async def test_the_only_server_is_used_whoever_started_it_and_the_agent_is_told_once(project: Project):
    run(project, "start", "-d", "--profile", "small")
    note = "NOTE: This is the server of profile small, the only one that runs; the profile in use is big"
    async with agent(project) as me:
        opened = await me.ok("start_new_session", experiment_name="one")
        assert opened["profile"] == "small"
        assert opened["text"].startswith(f"{note} (chosen by JLAB_MCP_PROFILE).\n")
        for tool, arguments in (("ping", {}), ("list_sessions", {}), ("execute_scratch", {"code": "1"})):
            answer = await me.ok(tool, **arguments)
            assert answer["profile"] == "small" if "profile" in answer else answer["sessions"]
            assert "NOTE" not in answer["text"]
        assert (await me.ok("wait_for_server"))["profile"] == "small"
        assert "(profile big)" in await me.refused("list_sessions", profile="big")
        started = await me.ok("start_server")  # never falls over to another profile's
        assert started["profile"] == "big"
        assert (await me.ok("ping"))["profile"] == "big"


async def test_whatever_an_agent_does_first_on_the_only_server_tells_whose_it_is(project: Project):
    run(project, "start", "-d", "--profile", "small")
    for tool, arguments in (
        ("execute_scratch", {"code": "1"}),
        ("check_resources", {}),
        ("read_notebook", {"notebook_path": "one.ipynb"}),
    ):
        async with agent(project) as me:
            if tool == "read_notebook":
                await me.ok("start_new_session", experiment_name="one", profile="small")
            answer = await me.ok(tool, **arguments)
            assert answer["text"].startswith(
                "NOTE: This is the server of profile small, the only one that runs"
            )
            (shown,) = (await me.session.read_resource("jlab-mcp://server/status")).contents
            assert isinstance(shown, TextResourceContents)
            (note,) = json.loads(shown.text)["notes"]
            assert "the profile in use is big" in note


async def test_where_no_profile_is_in_use_none_is_named(project: Project):
    profile_file(project, "big").write_text(LOCAL)
    del project.env["JLAB_MCP_PROFILE"]
    project.env["JLAB_MCP_RUN_MODE"] = "slurm"  # as on a cluster; servers of local profiles run there, too
    project.env["SLURM_CLUSTER_NAME"] = "nobody-has-such-a-cluster"
    run(project, "start", "-d", "--profile", "small", JLAB_MCP_RUN_MODE="local")
    async with agent(project) as me:
        pinged = await me.ok("ping")
        assert "the only one that runs; no profile is in use here." in pinged["text"]
        assert " profiles; in use: none." in (await me.ok("list_profiles"))["text"]
        run(project, "start", "-d", "--profile", "big", JLAB_MCP_RUN_MODE="local")
        said = await me.refused("ping")
        assert said.startswith("No profile is in use here, and 2 servers of ")
        assert said.endswith("`start_server`. [JLM-AMBIGUOUS-SERVER]")


async def test_a_profile_that_fits_the_machine_is_told_with_its_reason(project: Project):
    profile_file(project, "big").write_text(LOCAL + '[match]\ncluster = ["alpha"]\n')
    del project.env["JLAB_MCP_PROFILE"]
    project.env["SLURM_CLUSTER_NAME"] = "alpha"
    run(project, "start", "-d", "--profile", "small")
    async with agent(project) as me:
        pinged = await me.ok("ping")
        assert "the profile in use is big (because this cluster is alpha)" in pinged["text"]
        await me.ok("stop_server", profile="small")
        assert "profile big (because this cluster is alpha) ·" in (await me.ok("ping"))["text"]


async def test_several_servers_of_other_profiles_are_not_chosen_from(project: Project):
    for profile in ("small", "other"):
        profile_file(project, profile).write_text(LOCAL)
        run(project, "start", "-d", "--profile", profile)
    async with agent(project) as me:
        for tool, arguments in (
            ("ping", {}),
            ("start_new_session", {"experiment_name": "x"}),
            ("execute_scratch", {"code": "1"}),
            ("stop_server", {}),
        ):
            said = await me.refused(tool, **arguments)
            assert "other (running), small (running)" in said
            assert "argument `profile`" in said
        assert (await me.ok("list_sessions"))["sessions"] == []
        assert (await me.ok("ping", profile="other"))["state"] == "ready"


async def test_a_profile_that_says_something_else_by_now_is_told_once(project: Project):
    async with agent(project) as me:
        first = await me.ok("start_server")
        assert "NOTE" not in first["text"]
        profile_file(project, "big").write_text(LOCAL + "[server]\nport_max = 18700\n")
        note = (
            "NOTE: server.port_max was 19000 when the server started and is 18700 now; restart it to apply."
        )
        opened = await me.ok("start_new_session", experiment_name="one")
        assert opened["text"].startswith(note)
        pinged = await me.ok("ping")
        assert "NOTE" not in pinged["text"]
        assert [change["setting"] for change in pinged["changes"]] == ["server.port_max"]
        assert "NOTE" not in (await me.ok("start_server"))["text"]
        await me.ok("stop_server")
        await me.ok("start_server")
        assert (await me.ok("ping"))["changes"] == []


async def test_a_list_of_several_servers_sessions_tells_of_changed_settings_too(project: Project):
    for profile in ("big", "small"):
        run(project, "start", "-d", "--profile", profile)
    async with agent(project) as me:
        assert "NOTE" not in (await me.ok("list_sessions"))["text"]
        profile_file(project, "big").write_text(LOCAL + "[server]\nport_max = 18700\n")
        listed = await me.ok("list_sessions")
        assert listed["text"].startswith(
            "NOTE: server.port_max was 19000 when the server started and is 18700"
        )
        assert "NOTE" not in (await me.ok("list_sessions"))["text"]


async def test_what_is_odd_about_the_settings_reaches_the_model_once(project: Project):
    project.env["JLAB_MCP_PORTMAX"] = "1"
    async with agent(project) as me:
        assert "NOTE: JLAB_MCP_PORTMAX is not a variable" in (await me.ok("ping"))["text"]
        assert "NOTE" not in (await me.ok("start_server"))["text"]
    async with agent(project) as me:
        assert "NOTE: JLAB_MCP_PORTMAX is not a variable" in (await me.ok("start_server"))["text"]


async def test_a_server_whose_profile_is_gone_is_stopped_all_the_same(project: Project):
    run(project, "start", "-d", "--profile", "small")
    profile_file(project, "small").unlink()
    async with agent(project) as me:
        pinged = await me.ok("ping", profile="small")
        assert pinged["state"] == "ready"
        assert "going by the record of its server" in pinged["text"]
        listed = {each["name"]: each for each in (await me.ok("list_profiles"))["profiles"]}
        assert (listed["small"]["server"], listed["small"]["mode"]) == ("ready", "local")
        assert (await me.ok("stop_server", profile="small"))["state"] == "stopped"
        assert "there is no profile" in await me.refused("stop_server", profile="small")


async def test_a_profile_that_breaks_does_not_cut_the_agent_off_its_sessions(project: Project):
    async with agent(project) as me:
        await me.ok("start_server")
        session_id = await me.open("one")
        profile_file(project, "big").write_text("mode = cloud\n")
        assert (await me.ok("execute_code", session_id=session_id, code="1"))["state"] == "ok"
        assert "going by the record" in (await me.ok("ping"))["text"]
        assert (await me.ok("start_new_session", experiment_name="two"))["profile"] == "big"
        assert "mode" in await me.refused("start_server")
        assert (await me.ok("stop_server"))["state"] == "stopped"


async def test_an_agent_that_finds_its_profile_broken_reaches_every_session(project: Project):
    async with agent(project) as me:
        await me.ok("start_server")
        opened = [await me.ok("start_new_session", experiment_name="one")]
        await me.ok("start_server", profile="small")
        opened.append(await me.ok("start_new_session", experiment_name="two"))
    profile_file(project, "big").write_text("mode = cloud\n")
    for session, profile in zip(opened, ("big", "small"), strict=True):
        async with agent(project) as me:
            done = await me.ok("execute_code", session_id=session["session_id"], code="print('once')")
            assert done["profile"] == profile
            read = await me.ok("read_notebook", session_id=session["session_id"])
            assert len(read["cells"]) == 1
        async with agent(project) as me:
            assert (await me.ok("get_output", execution_id=done["execution_id"]))["profile"] == profile
        async with agent(project) as me:
            again = await me.ok(
                "start_session_resume_notebook", experiment_name="x", notebook_path=session["notebook_path"]
            )
            assert (again["session_id"], again["already_open"]) == (session["session_id"], True)
    async with agent(project) as me:
        listed = await me.ok("list_sessions")
        assert len(listed["sessions"]) == 2
        assert listed["text"].startswith("NOTE: ")
        assert "big.toml:1: mode" in listed["text"]
        assert (await me.ok("execute_scratch", code="print('once')"))["profile"] == "big"


async def test_code_that_ran_is_answered_whatever_becomes_of_the_settings(project: Project):
    run(project, "start", "-d")
    async with agent(project) as me:
        session_id = await me.open("one")
        await me.ok("wait_for_server", profile="big")  # the settings are read again when they are needed
        (project.folder / ".jlab-mcp.toml").write_text("mode = cloud\n")
        done = await me.ok("execute_code", session_id=session_id, code="print('after')")
        assert "after" in done["text"]
        (project.folder / ".jlab-mcp.toml").unlink()


async def test_a_question_that_ends_an_error_keeps_its_mark_alone(project: Project):
    async with agent(project) as me:
        said = await me.refused("ping", profile="smal")
    assert "did you mean `small`? Correct that setting" in said


async def test_profiles_are_listed_with_their_servers(project: Project):
    profile_file(project, "gpu").write_text(
        'mode = "slurm"\ndescription = "Two A100"\n[slurm]\ngpus = "a100:2"\ntime = "4:00:00"\n'
    )
    profile_file(project, "bad").write_text("mode = cloud\n")
    run(project, "start", "-d", "--profile", "small")
    async with agent(project) as me:
        found = await me.ok("list_profiles")
        listed = {each["name"]: each for each in found["profiles"]}
        assert (found["in_use"], [name for name in listed if listed[name]["in_use"]]) == ("big", ["big"])
        assert (listed["small"]["server"], listed["big"]["server"]) == ("ready", "stopped")
        assert (listed["gpu"]["gpus"], listed["gpu"]["time"], listed["gpu"]["mode"]) == (
            "2x a100",
            "4:00:00",
            "slurm",
        )
        assert "toml" in listed["bad"]["problem"]
        assert (listed["small"]["job_id"], listed["small"]["time_left_s"]) == (None, None)
        assert (listed["small"]["hostname"], listed["big"]["hostname"]) == (socket.gethostname(), None)
        assert "* big (local)" in found["text"]
        assert f"- small (local): server ready on {socket.gethostname()} · Few cores" in found["text"]
        await me.ok("start_server", profile="small")
        assert (await me.ok("list_profiles"))["in_use"] == "small"
    await asyncio.to_thread(kill, record_of(project, "small"))
    async with agent(project) as me:
        listed = {each["name"]: each for each in (await me.ok("list_profiles"))["profiles"]}
        assert listed["small"]["server"] == "stale"


async def test_a_session_is_found_while_the_server_in_use_is_still_starting(project: Project):
    for profile in ("big", "small"):
        run(project, "start", "-d", "--profile", profile)
    async with agent(project) as me:
        opened = await me.ok("start_new_session", experiment_name="one", profile="small")
    paths_of(project, "big").connection_file.unlink()  # as before it listens
    async with agent(project) as me:
        assert (await me.ok("ping"))["state"] == "starting"
        done = await me.ok("execute_code", session_id=opened["session_id"], code="1")
        assert done["profile"] == "small"
        assert "`wait_for_server`" in await me.refused("start_new_session", experiment_name="two")


async def test_a_server_that_does_not_answer_is_named_and_the_others_are_listed(project: Project):
    for profile in ("big", "small"):
        run(project, "start", "-d", "--profile", profile)
    path = paths_of(project, "small").connection_file
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"url": "http://127.0.0.1:1/"}))
    async with agent(project) as me:
        session_id = await me.open("one")
        listed = await me.ok("list_sessions")
        assert [each["session_id"] for each in listed["sessions"]] == [session_id]
        assert "NOTE: the server at http://127.0.0.1:1/ cannot be reached" in listed["text"].replace(
            "The", "the"
        )
        said = await me.refused("execute_code", session_id="00000000", code="1")
        assert "asked: big (no), small (does not answer)" in said
