"""Resources, prompts and completions, asked for as a client does, on a real server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
)

from tests.agent import Agent, agent
from tests.commands import LIMIT
from tests.conftest import Project

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

ANSWERS_IN = 60
"""Seconds; far less than the minutes for which a tool waits for a server that is silent."""
NOTEBOOK = ResourceTemplateReference(uri="jlab-mcp://notebooks/{+path}")
SESSION = ResourceTemplateReference(uri="jlab-mcp://sessions/{id}")
PROFILE = ResourceTemplateReference(uri="jlab-mcp://profiles/{name}")


async def read(found: Agent, uri: str) -> str:
    [content] = (await found.session.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert not [token for token in found.tokens if token in content.text]
    return content.text


async def refused(found: Agent, uri: str) -> MCPError:
    with pytest.raises(MCPError) as caught:
        await found.session.read_resource(uri)
    assert "Traceback" not in str(caught.value)
    return caught.value


async def uris(found: Agent) -> list[str]:
    return [str(each.uri) for each in (await found.session.list_resources()).resources]


async def prompt(found: Agent, name: str, **arguments: str) -> str:
    [message] = (await found.session.get_prompt(name, arguments)).messages
    assert isinstance(message.content, TextContent)
    return message.content.text


async def complete(
    found: Agent, ref: PromptReference | ResourceTemplateReference, name: str, value: str
) -> list[str]:
    return (await found.session.complete(ref, {"name": name, "value": value})).completion.values


def write_notebook(path: Path, *sources: str, output: str = "") -> None:
    outputs = [{"output_type": "stream", "name": "stdout", "text": [output]}] if output else []
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code", "id": f"c{number}", "metadata": {}, "source": [source],
            "execution_count": None, "outputs": outputs,
        }
        for number, source in enumerate(sources)
    ]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))


async def test_an_open_session_and_its_notebook_are_listed_and_can_be_read(live_project: Project):
    async with agent(live_project) as found:
        session = await found.open("what is listed")
        await found.execute(session, "print('seen', 6 * 7)")
        listed = await uris(found)
        assert f"jlab-mcp://sessions/{session}" in listed
        [notebook] = [each for each in listed if "what%20is%20listed" in each]

        facts = json.loads(await read(found, f"jlab-mcp://sessions/{session}"))
        async with asyncio.timeout(LIMIT):
            while "seen 42" not in (text := await read(found, notebook)):
                assert "which may know a little more" in text, "it is saved behind the answers, and says so"
        every = json.loads(await read(found, "jlab-mcp://sessions"))
        files = json.loads(await read(found, "jlab-mcp://notebooks"))
        await found.ok("shutdown_session", session_id=session)
        closed = await uris(found)

    assert facts["notebook"] == notebook
    assert facts["kernel_state"] == "idle"
    assert f"open in session {session}" in text
    assert [each["session_id"] for each in every["sessions"] if each["session_id"] == session]
    assert [each["session_id"] for each in files["notebooks"] if each["uri"] == notebook] == [session]
    assert f"jlab-mcp://sessions/{session}" not in closed
    assert notebook in closed


async def test_a_notebook_with_any_name_is_found_by_its_address(bare_project: Project):
    name = "unter ordner/50% ä?#[x] 项目&b.ipynb"
    write_notebook(bare_project.notebooks / name, "1 + 1", output="here")
    async with agent(bare_project) as found:
        [uri] = [each for each in await uris(found) if each.startswith("jlab-mcp://notebooks/")]
        text = await read(found, uri)
        assert await complete(found, NOTEBOOK, "path", "unter") == [name]

    assert "?" not in uri
    assert "#" not in uri
    assert "here" in text


async def test_a_long_notebook_is_shown_with_its_first_and_last_cells(bare_project: Project):
    write_notebook(
        bare_project.notebooks / "long.ipynb", *(f"cell_{n} = 1" for n in range(400)), output="o" * 50
    )
    async with agent(bare_project) as found:
        text = await read(found, "jlab-mcp://notebooks/long")

    assert len(text) < 14_000
    assert "cell_0 = 1" in text
    assert "cell_399 = 1" in text
    assert "cell_200 = 1" not in text
    assert "cells left out: `read_notebook` with start=" in text


async def test_lists_stay_within_the_budget_of_an_answer_and_say_what_they_leave_out(bare_project: Project):
    for number in range(300):
        write_notebook(bare_project.notebooks / f"{'n' * 60}{number}.ipynb")
    async with agent(bare_project) as found:
        text = await read(found, "jlab-mcp://notebooks")
        listed = await uris(found)
        values = await complete(found, NOTEBOOK, "path", "nnn")

    facts = json.loads(text)
    assert len(text) <= 12_500
    assert facts["total"] == 300
    assert len(facts["notebooks"]) + facts["left_out"] == 300
    assert len(listed) < 100
    assert len(values) == 100


REFUSED = (
    ("jlab-mcp://notebooks/../../etc/x.ipynb", "outside the notebook folder"),
    ("jlab-mcp://notebooks/%2E%2E/%2E%2E/secret.ipynb", "outside the notebook folder"),
    ("jlab-mcp://notebooks//etc/passwd", "outside the notebook folder"),
    ("jlab-mcp://notebooks/link.ipynb", "outside the notebook folder"),
    ("jlab-mcp://notebooks/a%00b.ipynb", "outside the notebook folder"),
    ("jlab-mcp://notebooks/missing.ipynb", "no notebook at"),
    ("jlab-mcp://notebooks/data.csv", "no notebook at"),
    ("jlab-mcp://notebooks/broken.ipynb", "cannot be read as a notebook"),
    ("jlab-mcp://notebooks/old.ipynb", "no notebook of format 4"),
    ("jlab-mcp://sessions/nosuch", "Call `list_sessions`"),
    ("jlab-mcp://profiles/locla", "did you mean `local`?"),
    ("jlab-mcp://profiles/..%2F..%2Fetc", "There is no profile"),
    ("jlab-mcp://nothing/here", "There is no resource"),
)


async def test_what_is_not_there_or_not_allowed_is_refused_in_words(bare_project: Project):
    folder = bare_project.notebooks
    folder.mkdir()
    secret = bare_project.folder / "secret.ipynb"
    write_notebook(secret, "token = 1")
    (folder / "link.ipynb").symlink_to(secret)
    (folder / "data.csv").write_text("a,b")
    (folder / "broken.ipynb").write_text("{")
    (folder / "old.ipynb").write_text('{"nbformat": 3, "worksheets": []}')
    async with agent(bare_project) as found:
        for uri, says in REFUSED:
            error = await refused(found, uri)
            assert says in str(error), uri
            assert error.error.code == INVALID_PARAMS, uri
        assert "link.ipynb" not in " ".join(await uris(found))


async def test_a_profile_tells_its_settings_and_their_places_but_no_secret(bare_project: Project):
    (bare_project.folder / ".jlab-mcp.toml").write_text("[output]\ntext_chars = 9000\n")
    profiles = bare_project.folder.parent / "config" / "profiles"
    profiles.mkdir(parents=True)
    (profiles / "own.toml").write_text(
        'extends = "local"\n[env.vars]\nAPI_TOKEN = "hunter2"\nPLAIN = "shown"\n'
    )
    env = {**bare_project.env, "JLAB_MCP_CONFIG": str(profiles.parent)}
    async with agent(Project(bare_project.folder, env)) as found:
        text = await read(found, "jlab-mcp://profiles/own")
        listing = json.loads(await read(found, "jlab-mcp://profiles"))

    facts = json.loads(text)
    settings = {each["key"]: each for each in facts["settings"]}
    assert settings["output.text_chars"]["value"] == 9000
    assert settings["output.text_chars"]["from"].endswith(".jlab-mcp.toml:2")
    assert facts["server"] == "stopped"
    assert settings["env.vars.PLAIN"]["value"] == "shown"
    assert settings["env.vars.API_TOKEN"]["value"] != "hunter2"
    assert "hunter2" not in text
    assert {"local", "own"} <= {each["name"] for each in listing["profiles"]}


async def test_prompts_tell_what_is_really_open(live_project: Project):
    async with agent(live_project) as found:
        session = await found.open("to go on with")
        facts = await found.ok(
            "execute_code", session_id=session, code="import time; time.sleep(600)", wait_seconds=0
        )
        path = Path(facts["notebook_path"]).name

        by_session = await prompt(found, "resume-work", session=session)
        by_notebook = await prompt(found, "resume-work", notebook=path)
        every = await prompt(found, "resume-work")
        unknown = await prompt(found, "resume-work", session="nosuch")
        explore = await prompt(found, "explore-data", path="a.csv", question="Why {so}?", profile="local")
        await found.ok("shutdown_session", session_id=session)
        closed = await prompt(found, "resume-work", notebook=path)

    for said in (by_session, by_notebook, every, unknown, explore):
        assert f"execution_id {facts['execution_id']} waits for it" in said
    assert "no session with this id is open" in unknown
    assert "Why {so}?" in explore
    assert 'profile "local"' in explore
    assert "open in no session" in closed
    assert "start_session_continue_notebook" in closed


WRONG_PROMPTS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("explore-data", {}, "needs the argument `path`"),
    ("explore-data", {"path": "x", "profile": "locla"}, "did you mean `local`?"),
    ("resume-work", {"notebok": "x"}, "takes no argument `notebok`; it takes notebook, session"),
    ("nosuch", {}, "there are `explore-data` and `resume-work`"),
)


async def test_a_wrong_prompt_is_refused_in_words(bare_project: Project):
    async with agent(bare_project) as found:
        for name, arguments, says in WRONG_PROMPTS:
            with pytest.raises(MCPError) as caught:
                await found.session.get_prompt(name, arguments)
            assert says in str(caught.value)
            assert caught.value.error.code == INVALID_PARAMS


async def test_arguments_are_completed_by_beginning_by_middle_and_by_name(live_project: Project):
    work = PromptReference(name="resume-work")
    async with agent(live_project) as found:
        session = await found.open("penguin colonies")
        assert await complete(found, work, "session", session[:3]) == [session]
        assert await complete(found, SESSION, "id", "Penguin") == [session]
        assert await complete(found, work, "notebook", "colon") == ["penguin colonies.ipynb"]
        assert "perlmutter" in await complete(found, PROFILE, "name", "perl")
        assert "local" in await complete(found, PromptReference(name="explore-data"), "profile", "")
        assert await complete(found, PromptReference(name="explore-data"), "question", "a") == []
        with pytest.raises(MCPError, match="there are explore-data and resume-work"):
            await complete(found, PromptReference(name="nosuch"), "x", "")
        await found.ok("shutdown_session", session_id=session)


@contextmanager
def silent(project: Project) -> Iterator[None]:
    """Let the project's server not answer any more, though its process is there."""
    pid = json.loads(project.connection_file.read_bytes())["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_server_that_does_not_answer_holds_nothing_up_and_is_named(bare_project: Project):
    write_notebook(bare_project.notebooks / "saved.ipynb", "1")
    await bare_project.start()
    async with agent(bare_project) as found:
        await found.open("kept")
        with silent(bare_project):
            async with asyncio.timeout(ANSWERS_IN):
                listed = (await found.session.list_resources()).resources
                sessions = json.loads(await read(found, "jlab-mcp://sessions"))
                notebook = await read(found, "jlab-mcp://notebooks/saved.ipynb")
                said = await prompt(found, "resume-work")
                assert await complete(found, SESSION, "id", "") == []

    about = [each.description or "" for each in listed if str(each.uri) == "jlab-mcp://sessions"]
    assert "did not answer within" in about[0]
    assert "did not answer within" in sessions["notes"][0]
    assert "0 · code" in notebook
    assert "did not answer within" in said
