"""Progress on standard error, where somebody is watching; silence elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from mineral.basics.terminal import escaped
from mineral.basics.types import Progress

ProgressOption: TypeAlias = bool | Progress

MINUTE, HOUR, DAY = 60, 3600, 86400  # seconds


@contextmanager
def reporting(progress: ProgressOption) -> Iterator[Progress]:
    """A function to call with (fraction done, what is running).

    Args:
        progress: False for silence, True for a bar that vanishes when done (and never shows where
            standard error is no terminal), or the caller's own function.
    """
    if callable(progress):
        yield progress
        return
    if not progress:
        yield silent
        return
    from mineral.system.chance import first_import  # which brings in torch

    with first_import("rich.progress"):
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not console.is_terminal:
        yield silent
        return
    bar = Bar(
        TextColumn("{task.description}", markup=False),  # `[/]` in a name is no mark-up
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=1.0)

        def report(fraction: float, text: str) -> None:
            bar.update(task, completed=fraction, description=escaped(text))

        yield report


def portion(progress: Progress, start: float, end: float) -> Progress:
    """The part of a progress from `start` to `end`, for a step that reports its own from 0 to 1."""
    return lambda share, text: progress(min(end, start + (end - start) * share), text)


def silent(_fraction: float, _text: str) -> None:
    """Report nothing."""


def in_words(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * MINUTE:
        return f"{seconds / MINUTE:.0f} min"
    if seconds < 2 * DAY:
        return f"{seconds // HOUR:.0f} h {seconds % HOUR // MINUTE:.0f} min"
    return f"{seconds // DAY:.0f} d {seconds % DAY // HOUR:.0f} h"
