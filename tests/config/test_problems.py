"""What is said about a file with mistakes: all of them at once, each with its line."""

from __future__ import annotations

import datetime as dt

import pytest

from jlab_mcp.config.tomlfile import leaves, lines_of, read_toml
from tests.config.world import World

BAD = '''version = 2
mode = "cloud"
descripton = "x"
[slurm]
time = 04:00:00
account = 12
qos = 0012
partition = gpu
mem = "64G"
mem_per_cpu = "4G"
cpus_per_task = "lots"
gres = "gpu:1"
gpus = 1
exclusive = "maybe"
extra_directives = ["--nice=3", "--output=x"]
requeue = True
nodelist = "a,b"
exclude = "b"
constraint = """a
b"""
[server]
port_min = 5
port_max = 4
idle_timeout = 24:00:00
[env]
venv = "$HOME/x"
container = { runtime = "docker" }
[env.vars]
"1x" = "y"
[slrum]
time = "1"
'''

SAID = [
    "1: version: expected 1, the only version of this format, got the number 2",
    '2: mode: expected local, slurm or auto, got "cloud"',
    "3: descripton: there is no such setting, did you mean `description`?",
    '5: slurm.time: expected minutes, …, got a time of day: a duration must be quoted, "04:00:00"',
    '6: slurm.account: expected text without spaces, got the number 12: text must be quoted, "12"',
    '7: qos: a number cannot begin with 0; if it is a name it must be quoted: qos = "0012"',
    '8: partition: text must be quoted: partition = "gpu"',
    '9: slurm.mem: "64G" cannot stand beside slurm.mem_per_cpu "4G" (bad.toml:10); take one of them back with "none"',
    '11: slurm.cpus_per_task: expected a whole number of at least 1, got "lots"',
    '12: slurm.gres: "gpu:1" asks for GPUs, and so does slurm.gpus "1" (bad.toml:13); take one of them back with "none"',
    '14: slurm.exclusive: expected true, false, user, mcs or topo, got "maybe"',
    '15: slurm.extra_directives: `--output` cannot be set: jlab-mcp sets it itself, got "--output=x"',
    "16: requeue: write true in lower case",
    '17: slurm.nodelist: "a,b" names a node of slurm.exclude "b" (bad.toml:18); take one of them back with "none"',
    '19: slurm.constraint: expected one line of text without control characters, got "a\\nb"',
    '22: server.port_min: "5" is above server.port_max "4" (bad.toml:23)',
    '24: idle_timeout: a duration must be quoted: idle_timeout = "24:00:00"',
    '26: env.venv: expected a path in UTF-8 without `$NAME`, which is not expanded, got "$HOME/x"',
    '27: env.container.runtime: expected apptainer or pyxis, got "docker"',
    "27: env.container needs image as well",
    "29: env.vars.1x: expected a name of letters, digits and underscores that does not begin with a digit",
    "30: slrum: there is no such setting, did you mean `slurm`?",
]


def test_every_mistake_of_a_file_is_told_at_once_in_the_order_of_its_lines(world: World) -> None:
    world.profile("bad", BAD)
    allowed = "minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes or"
    said = [
        problem.replace(f"{allowed} days-hours:minutes:seconds, such as 90, 4:00:00 or 1-12", "minutes, …")
        for problem in world.problems("bad")
    ]
    assert said == [f"bad.toml:{line}" for line in SAID]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[slurm\n", "p.toml:1: is not TOML: expected ']' at the end of a table declaration"),
        ('mode = "x\n', "p.toml:1: mode: the closing quote is missing"),
        ("mode = 'x\n", "p.toml:1: mode: the closing quote is missing"),
        ("[slurm]\n[slurm]\n", "p.toml:2: [slurm] is there a second time; put its settings under the first one"),
        ('[slurm]\nqos = "a"\nqos = "b"\n', "p.toml:3: qos: is set a second time"),
        ("[slurm]\nntasks = 1\nntasks = 2\n", "p.toml:3: ntasks: is set a second time"),
        ("[slurm]\ntime: 90\n", "p.toml:2: time: write `=` between a key and its value, not a colon"),
        ("[slurm]\nqos = \u201cgpu\u201d\n", 'p.toml:2: qos: write straight quotes: qos = "gpu"'),
        ('[env]\nmodules = [\n  "a"\n  "b=1"\n]\n', "p.toml:2: the list that begins here has no end, or lacks a comma"),
        ('[env]\nvenv = "C:\\Users"\n', "p.toml:2: venv: a backslash has a meaning of its own in double quotes; use single quotes"),
        ('slurm = "x"\n', 'p.toml:1: slurm: expected a section, `[slurm]` on a line of its own, got "x"'),
        ("[slurm]\ngres = true\n", "p.toml:2: slurm.gres: expected NAME[:TYPE][:COUNT], several with commas, such as gpu:1 or gpu:a100:2, got true"),
        ("[slurm]\nntasks = true\n", "p.toml:2: slurm.ntasks: expected a whole number of at least 1, got true"),
        ("[slurm]\nmem_per_gpu = 1\n", 'p.toml:2: slurm.mem_per_gpu: "1" needs slurm.gpus'),
        ("[slurm]\ngpus_per_task = 1\n", 'p.toml:2: slurm.gpus_per_task: "1" needs slurm.ntasks'),
        ('[slurm]\npartitions = "x"\n', "p.toml:2: slurm.partitions: there is no such setting, did you mean `slurm.partition`?"),
        ('partition = "x"\n', "p.toml:1: partition: there is no such setting, did you mean `slurm.partition`?"),
    ],
)  # fmt: skip
def test_a_mistake_is_explained(world: World, text: str, said: str) -> None:
    world.profile("p", text)
    (problem,) = world.problems("p")
    assert problem.startswith(said)


def test_what_is_wrong_further_down_is_told_as_well(world: World) -> None:
    world.profile(
        "p",
        '[slurm]\nqos = "a\ntime: 90\nntasks = "lots"\nnodes = 1\nnodes = 2\n[slurm]\nmem = 1\n[slurm]\n'
        "[server\nport_min = 1\n[env]\nvenv = 3\nconda = 'x\nmodules = 4\n",
    )
    assert [problem[: problem.index(": ")] for problem in world.problems("p")] == [
        f"p.toml:{line}" for line in (2, 3, 4, 6, 7, 9, 10, 13, 14, 15)
    ]


def test_a_file_that_no_person_wrote_is_refused_at_once(world: World) -> None:
    world.profile("p", "# " + "x" * 300_000)
    assert world.problems("p") == [
        "p.toml: cannot be read: it is larger than 256 KiB, which no file of settings is"
    ]


def test_lines_of_a_long_file_are_found(world: World) -> None:
    path = world.profile(
        "p", "[env.vars]\n" + "".join(f'V{n} = "x"\n' for n in range(5_000)) + "[env]\nvenv = 3\n"
    )
    assert lines_of(path)["env.vars.V4999"] == 5_001
    assert world.problems("p")[0].startswith("p.toml:5003: env.venv: ")


def test_a_file_that_is_not_utf8_names_the_line(world: World) -> None:
    world.profile("p", "").write_bytes(b"# ok\n# \xff\n")
    assert world.problems("p") == ["p.toml:2: is not UTF-8; save the file in that encoding"]


def test_other_line_ends_of_unicode_are_ordinary_characters(world: World) -> None:
    path = world.profile("p", "# a\u2028b\x85c\r\n[slurm]\r\nmem = 1\r\nntasks = 0\n")
    assert lines_of(path)["slurm.mem"] == 3
    assert world.problems("p") == [
        "p.toml:4: slurm.ntasks: expected a whole number of at least 1, got the number 0"
    ]


def test_gpu_memory_in_gres_is_no_second_request_for_gpus(world: World) -> None:
    world.profile("p", '[slurm]\ngpus = 1\ngres = "gpumem:24g"\n')
    assert world.load("p").slurm.model_dump(exclude_none=True) == {"gpus": "1", "gres": "gpumem:24g"}


def test_a_contradiction_across_layers_names_both_places(world: World) -> None:
    world.profile("base", '[slurm]\nmem = "1G"\n')
    world.profile("mine", 'extends = "base"\n')
    assert world.problems("mine", JLAB_MCP_SLURM_MEM_PER_CPU="4G") == [
        (
            'base.toml:2: slurm.mem: "1G" cannot stand beside slurm.mem_per_cpu "4G" (JLAB_MCP_SLURM_MEM_PER_CPU);'
            ' take one of them back with "none"'
        )
    ]


def test_mistakes_of_several_places_come_together(world: World) -> None:
    world.profile("p", '[slurm]\nntasks = "x"\n')
    (world.user / "config.toml").write_text("[slurm]\nnodes = 0\n")
    world.project_file.write_text("[slurm]\nnice = 1.5\n")
    problems = world.problems("p", flags={"slurm.time": "soon", "slurm.tiem": "1"}, JLAB_MCP_PORT_MIN="x")
    starts = ["p.toml:2: ", "~/.config/jlab-mcp/config.toml:2: ", f"{world.project_file}:2: ", "--set slurm.time: ", "--set slurm.tiem: ", "JLAB_MCP_PORT_MIN: "]  # fmt: skip
    assert len(problems) == len(starts)
    for start in starts:
        assert any(problem.startswith(start) for problem in problems), (start, problems)


def test_keys_of_a_profile_are_refused_elsewhere_and_the_reverse(world: World) -> None:
    (world.user / "config.toml").write_text('extends = "x"\n')
    world.profile("p", 'profile = "x"\n')
    assert world.problems("p") == [
        "~/.config/jlab-mcp/config.toml:1: extends: only a profile file can say this",
        "p.toml:1: profile: there is no such setting",
    ]


def test_a_template_that_cannot_be_read_names_its_setting(world: World) -> None:
    world.profile("p", '\ntemplate = "job.sh"\n')
    (problem,) = world.problems("p")
    assert problem.startswith("p.toml:2: template: cannot read the template ")
    (world.user / "profiles/job.sh").write_text("#!/bin/bash\n")
    assert world.load("p").template == "#!/bin/bash\n"


def test_each_value_of_a_file_knows_the_line_it_begins_on(world: World) -> None:
    path = world.profile(
        "p", '# one\n\n[slurm] # three\nmem = "1"\nextra_directives = [ # five\n  "--a=1",\n]\ntime = "1"\n[env]\nprologue = """\nx\n"""\nvars.A = "1"\n'
    )  # fmt: skip
    assert lines_of(path) == {
        "slurm": 3,
        "slurm.mem": 4,
        "slurm.extra_directives": 5,
        "slurm.time": 8,
        "env": 9,
        "env.prologue": 10,
        "env.vars": 13,
        "env.vars.A": 13,
    }


def test_what_is_right_of_a_file_with_mistakes_is_read(world: World) -> None:
    path = world.profile("p", "[slurm]\ntime = 24:00:00\nmem = 5\nqos = x\n")
    read = read_toml(path, "p")
    assert read.values == {"slurm": {"mem": 5}}
    assert len(read.problems) == 2


def test_values_are_written_as_text(world: World) -> None:
    values = {"a": True, "b": ["x"], "c": {"d": 1}, "e": dt.time(4)}
    assert dict(leaves(values)) == {"a": "true", "b": '["x"]', "c.d": "1", "e": "04:00:00"}
