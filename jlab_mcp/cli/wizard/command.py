"""`jlab-mcp profile init`."""

from __future__ import annotations

from typing import Annotated

import typer

from jlab_mcp.cli.options import key_values
from jlab_mcp.cli.settle import settle

_STDOUT = "-"


def init(  # noqa: PLR0913, PLR0917 - each is an option
    name: Annotated[
        str | None, typer.Option("--name", "-n", metavar="NAME", help="Name of the new profile.")
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="NAME", help="Profile to begin with; the new one extends it."),
    ] = None,
    partition: Annotated[str | None, typer.Option(metavar="NAME", help="As --partition of sbatch.")] = None,
    gpu_type: Annotated[str | None, typer.Option(metavar="TYPE", help="Type of GPU, such as a100.")] = None,
    gpus: Annotated[int | None, typer.Option(min=0, metavar="NUMBER", help="GPUs per node.")] = None,
    cpus: Annotated[
        int | None, typer.Option(min=1, metavar="NUMBER", help="As --cpus-per-task of sbatch.")
    ] = None,
    mem: Annotated[str | None, typer.Option(metavar="SIZE", help="As --mem of sbatch, such as 64G.")] = None,
    time: Annotated[
        str | None, typer.Option(metavar="TIME", help="As --time of sbatch, such as 4:00:00.")
    ] = None,
    account: Annotated[str | None, typer.Option(metavar="NAME", help="As --account of sbatch.")] = None,
    qos: Annotated[str | None, typer.Option(metavar="NAME", help="As --qos of sbatch.")] = None,
    modules: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Modules to load, with spaces or commas.")
    ] = None,
    venv: Annotated[str | None, typer.Option(metavar="PATH", help="Virtual environment to use.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting, such as slurm.constraint=a100."),
    ] = None,
    non_interactive: Annotated[
        bool, typer.Option("--non-interactive", help="Ask nothing: take what is proposed, and say what.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a profile of that name; keeps a copy as NAME.toml.bak.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="-", help="`-` prints the file and writes nothing."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="For each command of SLURM.")
    ] = 10.0,
) -> None:
    """Make a profile for this machine or cluster, step by step.

    \b
    Asks SLURM what there is, proposes values with reasons, and shows the file and the job before it writes.
    `none` as a value leaves a setting to the site. A file that is there
    is replaced only after a yes, and a copy of it kept.

    \b
    Examples:
      jlab-mcp profile init
      jlab-mcp profile init --from raven --name raven-2gpus --gpus 2
      jlab-mcp profile init --non-interactive --account myproject --time 8:00:00
      jlab-mcp profile init --non-interactive --output -
    """
    if output not in (None, _STDOUT):
        raise typer.BadParameter(f'`--output` takes only "-", got "{output}"; `--name` names the file')
    given = {
        "--partition": partition,
        "--gpu-type": gpu_type,
        "--gpus": gpus,
        "--cpus": cpus,
        "--mem": mem,
        "--time": time,
        "--account": account,
        "--qos": qos,
        "--modules": modules,
        "--venv": venv,
    }
    further = key_values(set_ or [])
    from jlab_mcp.cli.wizard.run import Wish, assume, talk

    wish = Wish(
        name=name,
        base=from_,
        flags={flag: value for flag, value in given.items() if value is not None},
        further=further,
        replace=replace,
        to_stdout=output == _STDOUT,
        timeout=timeout,
    )
    settle(lambda: assume(wish) if non_interactive else talk(wish))
