"""Files of results: refused before the work where they could not be written, and their command."""

import importlib.util
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mineral.cli.output import folded, show
from mineral.errors import MissingExtraError, OptionError
from mineral.system import storage

if TYPE_CHECKING:
    from mineral.links import Network
    from mineral.pairs import Matrix
    from mineral.results import Estimate

ENDINGS = (".csv", ".parquet", ".json")


def check_report(path: Path, source: Path) -> None:
    """Refuse before anything is computed what could not be written afterwards."""
    if path.is_dir():
        raise OptionError(f"`--report` `{path}` is a directory: name a file in it.")
    if not path.parent.is_dir():
        raise OptionError(f"`--report` needs the directory `{path.parent}`: create it first.")
    if not os.access(path.parent, os.W_OK):
        raise OptionError(f"`--report` cannot write in `{path.parent}`: choose another directory.")
    if path.exists() and source.exists() and path.samefile(source):
        raise OptionError(f"`--report` would overwrite the samples in `{path}`: name another file.")
    storage.check_html(path, "--report")
    check_libraries()


def check_libraries() -> None:
    """Refuse a report that could not be drawn."""
    if not all(map(importlib.util.find_spec, ("jinja2", "matplotlib"))):
        raise MissingExtraError("An HTML report", "report")


def write_report(found: "Estimate", path: Path, *, title: str, command: str) -> None:
    """Write the page; `command` is shown as what gives it again."""
    from mineral import report  # matplotlib takes a while, and is an extra

    report.write(found, path, title=title, command=command)


def command_line(
    file: Path,
    lists: Mapping[str, Sequence[str]],
    rest: Mapping[str, str],
    *,
    command: str = "estimate",
) -> str:
    """The command line that gives the same estimate, without what is usual anyway."""
    words = ["mineral", command, str(file)]
    for option, values in lists.items():
        words += [word for value in values for word in (option, value)]
    return shlex.join(words + [word for pair in rest.items() for word in pair])


def check_outputs(file: Path, outputs: Mapping[str, Path | None]) -> None:
    """Refuse before anything is computed what could not be written afterwards.

    Args:
        file: The table that is read.
        outputs: What `--save`, `--report` and `--picture` name.
    """
    for option, endings in (("--save", ENDINGS), ("--picture", storage.PICTURES)):
        path = outputs[option]
        if path is None:
            continue
        storage.check_ending(path, endings, option)
        if not path.parent.is_dir():
            raise OptionError(f"`{option}` needs the directory `{path.parent}`: create it first.")
        if path.exists() and file.exists() and path.samefile(file):
            raise OptionError(
                f"`{option}` would overwrite the table in `{path}`: name another file."
            )
    if outputs["--picture"] is not None:
        check_libraries()
    if outputs["--report"] is not None:
        check_report(outputs["--report"], file)


def show_table(
    found: "Matrix | Network", text: str | None, outputs: Mapping[str, Path | None], command: str
) -> None:
    """Print a result, and write the files that options name.

    Args:
        found: The result.
        text: Its JSON, to print nothing else; None for its rows.
        outputs: Of `check_outputs`.
        command: What gives the result again.
    """
    from mineral.report.drawings import picture_file

    if text is not None:
        show(text)
    else:
        for line in str(found).splitlines():
            is_cell = line.startswith("  ") and not line.startswith("  !")
            show(line if is_cell else folded(line))
    save, report, picture = (outputs[name] for name in ("--save", "--report", "--picture"))
    if save is not None:
        getattr(found, f"to_{save.suffix.lower()[1:]}")(save)
    if report is not None:
        found.report(report, command=command)
    if picture is not None:
        storage.write(picture, picture_file(found.plot, picture.suffix))
    if text is None:
        for path in filter(None, (save, report, picture)):
            show(f"Written: {path}")


def command_of(
    words: Sequence[str], options: Mapping[str, object], usual: Mapping[str, object]
) -> str:
    """A command line of `mineral`, without options that have their usual values."""
    line = ["mineral", *words]
    for name, value in options.items():
        values = value if isinstance(value, list) else [value]
        line += [
            word
            for each in values
            if each is not None and each != usual.get(name)
            for word in (name, str(each))
        ]
    return shlex.join(line)
