"""The HTML report of one estimate: refused before the work where it could not be written."""

import importlib.util
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mineral.errors import MissingExtraError, OptionError
from mineral.system import storage

if TYPE_CHECKING:
    from mineral.results import Estimate


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
