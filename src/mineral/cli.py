"""The command line: reads files, calls the library, prints. No computation of its own.

Results go to standard output, progress and errors to standard error. The exit status is 0, or 2
where something was refused, with one line that says why; 130 after Ctrl-C.
"""

import contextlib
import importlib.util
import json
import math
import os
import re
import shlex
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from typer.main import get_command

from mineral import tables
from mineral.door import resolve
from mineral.errors import MineralError, MissingExtraError, OptionError
from mineral.methods import ESTIMATORS
from mineral.results import Estimate
from mineral.settings import configured, settable
from mineral.types import Missing, Unit

UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # its home differs between releases

DEMO_REPORT = Path("mineral-report.html")
PENGUINS = """\
Palmer penguins: 344 birds of three species, measured in Antarctica, 2007-2009.
Gorman, Williams & Fraser (2014), doi:10.1371/journal.pone.0090081. Table:
palmerpenguins, doi:10.5281/zenodo.3960218. Licence: CC0 1.0 (public domain)."""
IN_WORDS = (
    "By this estimate, knowing one takes {bits:.2f} bits off the uncertainty about the other; a "
    "straight line (--estimator gaussian) would show {line:.2f} bits."
)
QUESTIONS = (
    (
        "flipper_length_mm",
        "body_mass_g",
        "1. What does the length of a flipper say about body mass?",
        "Both are rounded, to 1 mm and 25 g: mind the warning about ties.",
    ),
    (
        "bill_length_mm",
        "bill_depth_mm",
        "2. What does the length of a bill say about its depth?",
        "Within each species longer bills are deeper, but those of Gentoos are long and shallow, "
        "those of Adelies short and deep, and on one line through all of them this cancels.",
    ),
)

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, of `sys.argv` unless given, and return its exit status."""
    try:
        words = list(sys.argv[1:] if argv is None else argv)
        status = get_command(app).main(
            args=words or ["--help"], prog_name="mineral", standalone_mode=False
        )
    except MineralError as error:
        return _refused(str(error))
    except UsageError as error:
        return _refused(_usage(error))
    except (MemoryError, torch.OutOfMemoryError) as error:
        return _refused(f"Not enough memory: {str(error) or 'use fewer rows or columns'}.")
    except OSError as error:
        where = f"`{error.filename}`: " if error.filename else ""
        return _refused(f"{where}{error.strerror or error}.")
    except SystemExit:
        return 0  # typer's way out when nobody reads the help any more
    except (KeyboardInterrupt, typer.Abort):
        status = 130
    if status == 130:  # some releases of typer return this for Ctrl-C, others raise
        return _refused("Interrupted.", status=130)
    return 0


def _version(wanted: bool) -> bool:  # noqa: FBT001  (typer calls it so)
    if wanted:
        _print(f"mineral {version('mineral')}")
        raise typer.Exit
    return wanted


@app.callback()
def commands(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print it and leave.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """Mutual information from samples: a number, an interval, and when not to trust it.

    \b
    mineral demo
    mineral estimate birds.csv --x flipper_mm --y mass_g --missing drop
    mineral estimate birds.csv --x flipper_mm,bill_mm --y mass_g --report out.html
    mineral estimate arrays.npz --x images --y labels -e mine --set folds=5
    """  # noqa: D301  (\b keeps the lines of the examples)


@app.command()
def estimate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=f"One of {', '.join(tables.SOURCES)}.")
    ],
    *,
    x: Annotated[list[str], typer.Option(metavar="COLUMNS", help="X: a,b or --x a --x b.")],
    y: Annotated[list[str], typer.Option(metavar="COLUMNS", help="Y: the same.")],
    estimator: Annotated[
        str, typer.Option("--estimator", "-e", metavar="NAME", help="See `mineral estimators`.")
    ] = "auto",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="OPTION=VALUE", help="Of the estimator, e.g. k=5. Repeat."),
    ] = None,
    unit: Annotated[Unit, typer.Option(help="Of the result.")] = "nats",
    seed: Annotated[int, typer.Option(metavar="N", help="Fixes every random choice.")] = 0,
    confidence: Annotated[float, typer.Option(metavar="P", help="Level of the interval.")] = 0.95,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where networks train: cpu, cuda, mps.")
    ] = None,
    missing: Annotated[
        Missing, typer.Option(help="Refuse rows with missing values, or drop them.")
    ] = "raise",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Write an HTML report here.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Estimate I(X; Y) from columns of a file; rows are samples.

    \b
    CSV, TSV      a header line names the columns; empty, NA, NaN, null: missing
    Parquet,      columns by name
      Feather
    .npy          columns by number, 0,1,2, or by the names of its dtype
    .npz          every key is one variable, of any width
    """  # noqa: D301
    recipe = configured(estimator, settings or [])
    if report is not None:
        _check_report(report, file)
    values_x, values_y = tables.read(file, x=x, y=y)
    found = recipe.estimate(
        values_x,
        values_y,
        seed=seed,
        device=device,
        progress=not quiet and sys.stderr is not None and sys.stderr.isatty(),
        confidence=confidence,
        unit=unit,
        missing=missing,
    )
    _print(_as_json(found.to_dict()) if as_json else folded(str(found)))
    if report is None:
        return
    options = {
        "--estimator": (estimator, "auto"),
        "--unit": (unit, "nats"),
        "--seed": (seed, 0),
        "--confidence": (confidence, 0.95),
        "--device": (device, None),
        "--missing": (missing, "raise"),
    }
    changed = {name: str(value) for name, (value, usual) in options.items() if value != usual}
    _write_report(
        found,
        report,
        title=f"I({', '.join(x)}; {', '.join(y)}) in {file.name}",
        command=_command(file, x, y, settings or [], changed),
    )
    if not as_json:
        _print(f"Report: {report}")


@app.command("estimators")
def list_estimators(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """List the estimators and their options."""
    if as_json:
        listed = [
            {"name": e.name, "kind": e.kind, "summary": e.summary(), "options": e().options()}
            for e in ESTIMATORS.values()
        ]
        _print(_as_json(listed))
        return
    for name, kind in ESTIMATORS.items():
        _print(folded(f"{name:<10}{kind.kind:<13}{kind.summary()}", indent=23))
        values = kind().options()
        options = ", ".join(f"{o}={str(values[o]).lower()}" for o in settable(kind))
        if options:
            _print(folded(f"{'':<23}--set {options}", indent=29))


@app.command()
def demo(
    *,
    report: Annotated[
        Path | None, typer.Option(metavar="PATH", help=f"HTML report; usually {DEMO_REPORT}.")
    ] = None,
) -> None:
    """Answer two questions about real penguins, and write a report."""
    with as_file(files("mineral") / "data" / "penguins.csv") as path:
        target, refusal = report or DEMO_REPORT, None
        try:
            _check_report(target, path)
        except MissingExtraError as error:
            if report is not None:
                raise
            refusal = error
        _print(f"{PENGUINS}\n\n  >>> birds = pandas.read_csv({str(path)!r})")
        for x, y, question, remark in QUESTIONS:
            found, line = _ask(path, x, y), _ask(path, x, y, estimator="gaussian")
            command = _command(path, [x], [y], [], {"--missing": "drop"})
            words = IN_WORDS.format(bits=found.to("bits").value, line=line.to("bits").value)
            _print(f"\n{question}\n\n  $ {command}")
            _print(f"  >>> mineral.estimate(birds[{x!r}], birds[{y!r}], missing='drop')\n")
            _print(f"{folded(str(found))}\n\n{folded(f'{words} {remark}', indent=0)}")
        if refusal is not None:
            _print(f"\nNo report: {refusal}")
            return
        _write_report(found, target, title=question, command=command)
        _print(f"\nReport on the last question: {target}")


def _ask(path: Path, x: str, y: str, *, estimator: str = "auto") -> Estimate:
    values_x, values_y = tables.read(path, x=[x], y=[y])
    return resolve(estimator).estimate(values_x, values_y, missing="drop")


def _check_report(path: Path, source: Path) -> None:
    """Refuse before anything is computed what could not be written afterwards."""
    if path.is_dir():
        raise OptionError(f"`--report` `{path}` is a directory: name a file in it.")
    if not path.parent.is_dir():
        raise OptionError(f"`--report` needs the directory `{path.parent}`: create it first.")
    if not os.access(path.parent, os.W_OK):
        raise OptionError(f"`--report` cannot write in `{path.parent}`: choose another directory.")
    if path.exists() and source.exists() and path.samefile(source):
        raise OptionError(f"`--report` would overwrite the samples in `{path}`: name another file.")
    if not all(map(importlib.util.find_spec, ("jinja2", "matplotlib"))):
        raise MissingExtraError("An HTML report", "report")


def _write_report(found: Estimate, path: Path, *, title: str, command: str) -> None:
    from mineral import report  # matplotlib takes a while, and is an extra

    report.write(found, path, title=title, command=command)


def _command(
    file: Path, x: Sequence[str], y: Sequence[str], settings: Sequence[str], rest: Mapping[str, str]
) -> str:
    """The command line that gives the same estimate, without what is usual anyway."""
    words = ["mineral", "estimate", str(file)]
    for option, values in (("--x", x), ("--y", y), ("--set", settings)):
        words += [word for value in values for word in (option, value)]
    return shlex.join(words + [word for pair in rest.items() for word in pair])


def folded(text: str, *, indent: int | None = None) -> str:
    """Lines of at most the terminal's width; what is folded is indented under its line."""
    width = max(40, min(shutil.get_terminal_size().columns, 100))
    return "\n".join(
        textwrap.fill(
            line,
            width,
            subsequent_indent=" " * (_indent(line) + 2 if indent is None else indent),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in _in_shell_words(text).splitlines()
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _as_json(value: object) -> str:
    return json.dumps(_finite(value), indent=2, allow_nan=False)


def _finite(value: Any) -> Any:  # noqa: ANN401
    """JSON knows neither NaN nor infinity: null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print(text: str) -> None:
    """Print at once. A reader who has left, as of `| head`, is no error."""
    try:
        try:
            print(text, flush=True)  # noqa: T201
        except UnicodeEncodeError:
            coding = sys.stdout.encoding
            print(text.encode(coding, "replace").decode(coding), flush=True)  # noqa: T201
    except OSError as error:
        # Else Python tries again when it exits, and complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise


def _usage(error: Any) -> str:  # noqa: ANN401  (the class has no home that typer makes public)
    command = error.ctx.command_path if error.ctx else "mineral"
    message = error.format_message().replace("Value error, ", "").rstrip(".")  # pydantic's words
    return f"{message}. See `{command} --help`."


def _refused(message: str, *, status: int = 2) -> int:
    # One line whatever the message holds: a name from a file may even hold a terminal's codes.
    line = "".join(c if c.isprintable() else " " for c in f"mineral: {_in_shell_words(message)}")
    if sys.stderr is not None:  # it is closed, and print would turn to standard output
        with contextlib.suppress(OSError):
            print(line, file=sys.stderr, flush=True)  # noqa: T201
    return status


def _in_shell_words(text: str) -> str:
    """The library advises `missing='drop'`, as in Python; here that is `--missing drop`."""
    return re.sub(r"\b(confidence|device|estimator|missing|unit)='(\w+)'", r"--\1 \2", text)
