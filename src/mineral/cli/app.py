"""The commands' common start, and how a run ends: exit status 0, 2 or 130."""

import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.main import get_command

from mineral.cli.output import notice, refused, show
from mineral.errors import MineralError

UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # its home differs between releases

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, of `sys.argv` unless given, and return its exit status."""
    try:
        words = list(sys.argv[1:] if argv is None else argv)
        with warnings.catch_warnings():
            warnings.showwarning = _warned
            status = get_command(app).main(
                args=words or ["--help"], prog_name="mineral", standalone_mode=False
            )
    except MineralError as error:
        return refused(str(error))
    except UsageError as error:
        return refused(_usage(error))
    except _out_of_memory() as error:
        return refused(f"Not enough memory: {str(error) or 'use fewer rows or columns'}.")
    except OSError as error:
        where = f"`{error.filename}`: " if error.filename else ""
        return refused(f"{where}{error.strerror or error}.")
    except SystemExit:
        return 0  # typer's way out when nobody reads the help any more
    except (KeyboardInterrupt, typer.Abort):
        status = 130
    if status == 130:  # some releases of typer return this for Ctrl-C, others raise
        return refused("Interrupted.", status=130)
    return 0


def _warned(message: Warning | str, *_where: Any, **_more: Any) -> None:  # noqa: ANN401
    """A warning as one line: users of a command have no use for a place in the source."""
    notice(f"warning: {message}")


def _version(wanted: bool) -> bool:  # noqa: FBT001  (typer calls it so)
    if wanted:
        show(f"mineral {version('mineral')}")
        raise typer.Exit
    return wanted


@app.callback()
def commands(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help=("Print the version and exit."), is_eager=True, callback=_version
        ),
    ] = False,
) -> None:
    """Mutual information from samples: a value, an interval, and warnings if it is unreliable.

    \b
    mineral demo
    mineral estimate birds.csv --x flipper_mm --y mass_g --missing drop
    mineral estimate birds.csv --x flipper_mm,bill_mm --y mass_g --report out.html
    mineral estimate arrays.npz --x images --y labels -e mine --set folds=5
    """  # noqa: D301  (\b keeps the lines of the examples)


def _out_of_memory() -> tuple[type[BaseException], ...]:
    """What is raised where memory ends. Where torch is not loaded, it raised nothing."""
    torch = sys.modules.get("torch")
    return (MemoryError,) if torch is None else (MemoryError, torch.OutOfMemoryError)


def _usage(error: Any) -> str:  # noqa: ANN401  (the class has no home that typer makes public)
    command = error.ctx.command_path if error.ctx else "mineral"
    message = error.format_message().replace("Value error, ", "").rstrip(".")  # pydantic's words
    return f"{message}. See `{command} --help`."
