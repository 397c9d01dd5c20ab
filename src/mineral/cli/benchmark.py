"""`mineral benchmark`: estimators, ours and others', on samples of known information."""

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mineral.cli.app import app
from mineral.cli.options import Data, Quiet
from mineral.cli.output import folded, show, shows_progress
from mineral.cli.reporting import check_libraries
from mineral.errors import OptionError
from mineral.rivals import RIVALS
from mineral.system import storage

if TYPE_CHECKING:
    from mineral.benchmark import Row
    from mineral.tasks import Task


@app.command()
def benchmark(
    *,
    suite: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMES", help=("Suites of tasks, such as beyond-normal.")),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--tasks",
            metavar="NAMES",
            help=("Tasks in addition to suites; file.py for all tasks in it."),
        ),
    ] = None,
    estimators: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="See `mineral estimators`; options as in ksg:k=5; your own as file.py:Name.",
        ),
    ] = None,
    rivals: Annotated[
        list[str] | None,
        typer.Option(
            "--rival",
            metavar="NAME[=PYTHON]",
            help="Other libraries, with the python of their environment. Can be repeated. "
            f"{', '.join(RIVALS)}, or a script of your own.",
        ),
    ] = None,
    sizes: Annotated[
        list[str] | None,
        typer.Option("--n", metavar="NUMBERS", help=("Numbers of samples, such as 1000,5000.")),
    ] = None,
    seeds: Annotated[
        int, typer.Option(metavar="COUNT", help=("Independent samples for each task and n."))
    ] = 10,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help=("Folder for the results."))] = Path(
        "results"
    ),
    jobs: Annotated[int, typer.Option(metavar="COUNT", help="Estimates to run in parallel.")] = 1,
    threads: Annotated[int, typer.Option(metavar="COUNT", help="Threads for each estimate.")] = 1,
    time_limit: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Time limit of one estimate.")
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Repeat the runs that have no value.")
    ] = False,
    backend: Annotated[
        str,
        typer.Option(
            metavar="NAME[,OPTION=VALUE]", help=("Backend of joblib: threading, dask or ray.")
        ),
    ] = "threading",
    quiet: Quiet = False,
    data: Data = None,
    compared: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--compare", metavar="OLD NEW", help=("Compare two folders of results; run nothing.")
        ),
    ] = None,
) -> None:
    """Run estimators on tasks whose mutual information is known.

    Each estimate is a row of rows.jsonl, written when it is done: the same command resumes a run.
    `mineral report FOLDER` shows the results.

    \b
    mineral benchmark --suite beyond-normal --estimators auto,ksg:k=5,mine \\
      --n 1000,5000 --seeds 10 --jobs 2 --time-limit 120 --out results
    mineral benchmark --compare old new
    """  # noqa: D301
    from mineral.benchmark import compare, lineup, read, run

    if compared is not None:
        old, new_rows = map(read, compared)
        show(str(compare(old, new_rows)))
        return
    chosen = _tasks(_split(suite), _split(names))
    contestants = lineup(_split(estimators), rivals or [])
    name, options = _backend(backend)
    new = run(
        chosen,
        contestants,
        sizes=[_whole(text) for text in _split(sizes) or ["1000"]],
        seeds=range(seeds),
        out=out,
        jobs=jobs,
        time_limit=time_limit,
        threads=threads,
        retry=retry,
        backend=name,
        backend_options=options,
        progress=shows_progress(quiet=quiet),
        command=shlex.join(["mineral", *sys.argv[1:]]),
    )
    show(folded(_outcome(new, read(out), out)))


@app.command("report")
def report_on(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help=("Folder of `mineral benchmark`."))
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help=("Write the page here; FOLDER/report.html by default.")),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help=("Write the leaderboard as .png, .svg or .pdf.")),
    ] = None,
) -> None:
    """Report the results of a benchmark: an HTML page, and the leaderboard as CSV and Markdown.

    It can be used while the benchmark is running.
    """
    from mineral.benchmark import page  # matplotlib takes a while, and is an extra

    check_libraries()
    if out is not None:
        storage.check_html(out, "--out")
    for path in page.write(folder, page=out, picture=picture):
        show(str(path))


def _split(texts: Iterable[str] | None) -> list[str]:
    """The names in `a,b` or in repeated options."""
    return [name.strip() for text in texts or [] for name in text.split(",") if name.strip()]


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise OptionError(f"`--n` takes whole numbers, such as 1000,5000, got {text!r}.") from None


def _tasks(suites: list[str], names: list[str]) -> "list[Task]":
    """Of the suites, then by name, each once."""
    from mineral import tasks
    from mineral.settings import own_tasks

    if not suites and not names:
        raise OptionError(
            "`--suite` or `--tasks` must name at least one task: `mineral task` lists them."
        )
    found = [task for suite in suites for task in tasks.suite(suite)]
    for name in names:
        found += own_tasks(name) if name.endswith(".py") else [tasks.find(name)]
    return list({task.name: task for task in found}.values())


def _backend(text: str) -> tuple[str, dict[str, Any]]:
    name, *options = text.split(",")
    pairs = [option.partition("=")[::2] for option in options]
    return name, dict(pairs)


def _outcome(new: "list[Row]", rows: "list[Row]", out: Path) -> str:
    without = [row for row in rows if row.status != "ok"]
    lines = [f"{len(new):,} new rows, {len(rows):,} in all, in {out}."]
    if without:
        counts = dict.fromkeys(("refused", "failed", "timeout", "crashed"), 0)
        for row in without:
            counts[row.status] += 1
        said = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
        lines.append(f"Without a value: {said}. Their messages are in the rows.")
    return "\n".join([*lines, f"To see the results: mineral report {shlex.quote(str(out))}"])
