"""What is printed: folded to the terminal, one JSON object, or one line of refusal."""

import contextlib
import json
import os
import re
import shutil
import sys
import textwrap

from mineral.basics.plain import plain
from mineral.basics.terminal import escaped


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


def in_json(value: object) -> str:
    """As JSON, on several lines; what is not finite as null."""
    return json.dumps(plain(value), indent=2, allow_nan=False)


def shows_progress(*, quiet: bool) -> bool:
    """Whether to draw a progress bar: somebody looks at standard error, and does not decline."""
    return not quiet and sys.stderr is not None and sys.stderr.isatty()


def show(text: str) -> None:
    """Print at once, names without power over the terminal. `| head` may leave: no error."""
    text = escaped(text, keep="\n\t")
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


def refused(message: str, *, status: int = 2) -> int:
    """Say on standard error why, and return the exit status."""
    notice(message)
    return status


def notice(message: str) -> None:
    """One line on standard error, whatever the message holds."""
    line = escaped(f"mineral: {_in_shell_words(message)}".replace("\n", " "))
    if sys.stderr is not None:  # it is closed, and print would turn to standard output
        with contextlib.suppress(OSError):
            print(line, file=sys.stderr, flush=True)  # noqa: T201


def _in_shell_words(text: str) -> str:
    """The library advises `missing='drop'`, as in Python; here that is `--missing drop`."""
    return re.sub(r"\b(confidence|device|estimator|missing|unit)='(\w+)'", r"--\1 \2", text)
