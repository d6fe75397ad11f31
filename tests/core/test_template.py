"""Templates of the sbatch script."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.core.profile import Profile
from jlab_mcp.core.resolver import Facts, Origin, Origins, resolve
from jlab_mcp.core.script import render_script, script_problems
from jlab_mcp.core.scripting.context import contexts
from jlab_mcp.core.scripting.template import BUILT_IN, problems
from jlab_mcp.errors import ConfigError
from tests.core.golden_scripts import JOB, NASTY, OWN_TEMPLATE, resolved, script

START, END = "#!/bin/bash\n{{directives}}\n{{prepare}}\n", "\n{{launch}}\n"


def told(template: str) -> list[str]:
    return [f"{line}: {sentence}" for line, sentence in problems(template)]


def test_the_built_in_template_is_one_that_a_user_could_write() -> None:
    assert told(BUILT_IN) == told(OWN_TEMPLATE) == []
    assert script(resolved(template=BUILT_IN)) == script(resolved())


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("", "1: a template must begin with `#!`, such as `#!/bin/bash -l`"),
        (" #!/bin/bash\n", "1: a template must begin with `#!`, such as `#!/bin/bash -l`"),
        ("#!/bin/bash\n{{prepare}}\n{{launch}}\n", "4: there is no line `{{directives}}`, where the `#SBATCH` lines go"),
        (START, "4: there is no line `{{launch}}`, where JupyterLab starts"),
        (START + "{{lunch}}" + END, "4: there is no placeholder `{{lunch}}`, did you mean `{{launch}}`?"),
        (START + "{{launch}}" + END, "5: `{{launch}}` is there twice"),
        (START + "echo {{prepare}}" + END, "4: `{{prepare}}` must stand on a line of its own"),
        (START + "# see {{directives}}" + END, "4: `{{directives}}` must stand on a line of its own"),
        ("#!/bin/bash\n{{directives}}\n{{launch}}\n{{prepare}}\n", "3: `{{launch}}` is too early"),
        ("#!/bin/bash\nset -e\n{{directives}}\n{{prepare}}\n{{launch}}\n", "2: a command comes before `{{directives}}`"),
        (START + END + "echo over", "6: nothing runs after `{{launch}}`; set env.epilogue instead"),
        (START + 'echo "in {{project_dir}}"' + END, "4: `{{project_dir}}` stands in quotes"),
        (START + "echo '{{project_dir}}'" + END, "4: `{{project_dir}}` stands in quotes"),
        (START + "echo `ls {{project_dir}}`" + END, "4: `{{project_dir}}` stands in quotes"),
        (START + "echo $(( {{name}} ))" + END, "4: `{{name}}` stands in quotes"),
        (START + "cat <<E\n{{project_dir}}\nE" + END, "5: `{{project_dir}}` stands in a here-document"),
        (START + "echo ${{name}}" + END, "4: `{{name}}` stands behind `$`"),
        (START + "echo \\{{name}}" + END, "4: `{{name}}` stands behind `\\`"),
        (START + "echo \x01" + END, "4: 'echo \\x01' holds a control character"),
        ('#!/bin/bash\n#SBATCH --comment="{{name}}"\n{{directives}}\n{{prepare}}\n{{launch}}\n', "2: `{{name}}` stands in quotes"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_template_is_told_with_its_line(template: str, problem: str) -> None:
    assert any(sentence.startswith(problem) for sentence in told(template)), told(template)


@pytest.mark.parametrize(
    "line",
    [
        "cd {{project_dir}} || exit 1",
        'x="$HOME"/{{name}}',
        "# it's {{name}}",
        "echo \"a\" 'b' {{name}}",
        'y="$(echo "it\'s")"; echo {{name}}',
        "cat <<'E'\nit's\nE\necho {{name}}",
        "cat <<-E\n\tit's\n\tE\necho {{name}}",
        "cat <<< x; echo {{name}}",
        "echo $((1 << 2)) {{name}}",
        "echo ${#x} {{name}}",
        "echo $'it\\'s' {{name}}",
        "echo {a,b} '{{.Names}}' {{ name }}",
    ],
)
def test_values_stand_between_any_words(line: str) -> None:
    assert told(START + line + END) == []


def test_all_problems_come_at_once_with_the_templates_path() -> None:
    text = "#!/bin/bash\n{{directives}}\n{{lanch}}\n"
    profile = Profile.model_validate({"mode": "slurm", "template": "job.sh"})
    origins = Origins({"template": Origin("user", "/home/me/.config/jlab-mcp/config.toml", "job.sh")}, {})
    of = resolve(profile, Facts(Path("/data/p"), Path("/home/me"), template=text), origins=origins)
    assert script_problems(of) == [
        "/home/me/.config/jlab-mcp/job.sh:3: there is no placeholder `{{lanch}}`, did you mean `{{launch}}`?",
        "/home/me/.config/jlab-mcp/job.sh:4: there is no line `{{launch}}`, where JupyterLab starts",
        (
            "/home/me/.config/jlab-mcp/job.sh:4: there is no line `{{prepare}}`,"
            " where modules and environments are loaded"
        ),
    ]
    with pytest.raises(ConfigError) as caught:
        render_script(of, JOB)
    assert list(caught.value.problems) == script_problems(of)


def test_a_value_is_quoted_for_the_line_that_it_stands_on() -> None:
    lines = ["#!/bin/bash", "#SBATCH --wckey={{project_dir}}", *BUILT_IN.splitlines()[1:]]
    text = script(resolved(NASTY, "\n".join(lines)))
    assert '--wckey="/data/it\'s \\"näive\\" $(touch pwned) `x` \\\\ #% p"\n' in text


BASH = shutil.which("bash") or "/bin/bash"
WORDS = st.lists(
    st.sampled_from(
        [
            "'",
            '"',
            "`",
            "$(",
            ")",
            "((",
            "))",
            "#",
            " ",
            "\n",
            "\\",
            "x",
            "<<E\n",
            "\nE\n",
            "$'",
            "${x:-",
            "}",
        ]
    ),
    max_size=12,
)


@given(before=WORDS, after=WORDS)
def test_where_a_value_may_stand_bash_runs_nothing_of_it(before: list[str], after: list[str]) -> None:
    text = "".join(before)
    if contexts(text + "X", [len(text)])[0] != "words" or text[-1:] in ("\\", "$", "["):
        return
    value = shlex.quote("`pwned` $(pwned) ' \"")
    done = subprocess.run(
        [BASH],
        input=f"{text}{value}{''.join(after)}\n".encode(),
        env={"PATH": "/nowhere"},  # so that anything that runs is not found, and says so
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert b"pwned: command not found" not in done.stderr, done.stderr
