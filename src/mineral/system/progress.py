"""Progress on standard error, where somebody is watching; silence elsewhere."""

import time
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


class Watch:
    """Reports how many parts are done, and the remaining time.

    Args:
        total: In all.
        report: Called with (fraction done, text).
        noun: Their name in the text.
    """

    def __init__(self, total: int, report: Progress, noun: str) -> None:
        self._all, self._report, self._noun = total, report, noun
        self._done = self._skipped = 0
        self._start = time.monotonic()

    def skip(self, count: int) -> None:
        """Count those of an earlier run."""
        self._skipped = count
        self.done(0)

    def done(self, count: int = 1) -> None:
        """Count those that were computed."""
        self._done += count
        count = self._done + self._skipped
        parts = [f"{count:,} of {self._all:,} {self._noun}"]
        if self._done:
            rate = (time.monotonic() - self._start) / self._done
            parts.append(f"{in_words(rate * (self._all - count))} left")
        self._report(count / max(1, self._all), " · ".join(parts))


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
