"""The command line: reads files, calls the library, prints. No computation of its own.

Results go to standard output, progress and errors to standard error. The exit status is 0, or 2
where something was refused, with one line that says why; 130 after Ctrl-C.
"""

from mineral.cli import audit, benchmark, demo, estimating, experiment, shaping, task
from mineral.cli.app import main
from mineral.cli.series import lagged, transfer

__all__ = [
    "audit",
    "benchmark",
    "demo",
    "estimating",
    "experiment",
    "lagged",
    "main",
    "shaping",
    "task",
    "transfer",
]
