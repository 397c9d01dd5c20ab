"""`mineral task`: what samples of known information there are, and some of them in a file."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from mineral.cli.app import app
from mineral.cli.options import Data
from mineral.cli.output import folded, in_json, show
from mineral.errors import OptionError
from mineral.system import storage

if TYPE_CHECKING:
    from mineral.tasks import Draw, Task


@app.command("task")
def draw_or_list(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help=("Name of a task; without it, all are listed.")),
    ] = None,
    *,
    n: Annotated[int, typer.Option("--n", metavar="N", help="Number of samples to draw.")] = 1000,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed of the samples.")] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Write the samples to this .npz file.")
    ] = None,
    suite: Annotated[
        str | None, typer.Option(metavar="NAME", help="List the tasks of one suite only.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    data: Data = None,
) -> None:
    """List tasks whose information is known, describe one, or draw samples of it.

    \b
    mineral task                       all suites and their tasks
    mineral task --suite staircase     those of one suite
    mineral task gaussian-20d-2nats    a description of one
    mineral task gaussian-20d-2nats --n 1000 --seed 0 --out data.npz
    mineral estimate data.npz --x x --y y

    \b
    The file has the keys x and y, a row a sample, z if there is a condition, and pmi, the true
    log p(x, y) / p(x) p(y) of each pair in nats, if it is known. A side with text and numbers is
    written column by column: x0, x1.
    """  # noqa: D301
    from mineral import tasks  # not needed by other commands, and a hundred special functions

    if name is None:
        if out is not None:
            raise OptionError("`--out` needs the name of a task: see `mineral task`.")
        chosen = tasks.SUITES if suite is None else {suite: tasks.suite(suite)}
        show(in_json(_listed(chosen)) if as_json else folded(_table(chosen), indent=4))
        return
    if suite is not None:
        raise OptionError(
            "`--suite` lists tasks, and `mineral task NAME` describes one: use one of them."
        )
    task = tasks.find(name)
    facts = _facts(task)
    if out is not None:
        if out.suffix.lower() != ".npz":
            raise OptionError(f"`--out` writes .npz files, got `{out}`: name one, as in data.npz.")
        _write(task.draw(n, seed=seed), out)
        facts |= {"n": n, "seed": seed, "out": str(out)}
    if as_json:
        show(in_json(facts))
        return
    show(folded(_description(task)))
    if out is not None:
        show(folded(f"{n} samples with seed {seed}: {out}"))


def _write(drawn: "Draw", path: Path) -> None:
    from mineral.tasks import columns_of

    arrays: dict[str, np.ndarray] = {}
    sides = {"x": drawn.x, "y": drawn.y} | ({} if drawn.z is None else {"z": drawn.z})
    for name, side in sides.items():
        arrays |= columns_of(name, side) if side.dtype == object else {name: side}
    if drawn.pmi is not None:
        arrays["pmi"] = drawn.pmi
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]  # no key is `allow_pickle`
    storage.write(path, content.getvalue())


def _facts(task: "Task") -> dict[str, Any]:
    return {
        "name": task.name,
        "family": task.family,
        "dim_x": task.dim_x,
        "dim_y": task.dim_y,
        "dim_z": task.dim_z,
        "information": task.information,
        "error": task.error,
        "known_by": task.known_by,
        "source": task.source,
        "parameters": dict(task.parameters),
    }


def _listed(suites: "dict[str, tuple[Task, ...]]") -> list[dict[str, Any]]:
    return [{"suite": name} | _facts(task) for name, tasks in suites.items() for task in tasks]


def _table(suites: "dict[str, tuple[Task, ...]]") -> str:
    lines = []
    for suite, tasks in suites.items():
        lines += ["", f"{suite}: {len(tasks)} tasks; name, dimensions of X and Y, nats, known by"]
        for task in tasks:
            sizes = f"{task.dim_x} × {task.dim_y}" + (f" | {task.dim_z}" if task.dim_z else "")
            lines.append(f"  {task.name:<41} {sizes:>11} {task.information:>9.4f}  {task.known_by}")
    return "\n".join(lines[1:])


def _description(task: "Task") -> str:
    error = f" ± {task.error:.1g}" if task.error else ""
    options = ", ".join(f"{name} = {value}" for name, value in task.parameters.items())
    symbol = "I(X; Y | Z)" if task.dim_z else "I(X; Y)"
    return "\n".join(
        (
            f"{task.name}: {task.dim_x} × {task.dim_y} dimensions"
            + (f" given {task.dim_z}" if task.dim_z else ""),
            f"  {symbol} = {task.information:.4f}{error} nats, known by {task.known_by}",
            f"  {task.source}",
            *([f"  {options}"] if options else []),
        )
    )
