"""The command line: reads files, calls the library, prints. No computation of its own.

Results go to standard output, progress and errors to standard error. The exit status is 0, or 2
where something was refused, with one line that says why; 130 after Ctrl-C.

app.py           the common start of all commands, and the exit status
estimating.py    `estimate` and `estimators`; reporting.py writes files of results
demo.py          `demo`
task.py          `task`
benchmark.py     `benchmark`
experiment.py    `experiment`
shaping.py       `shape` and `encode`
audit.py         `audit`; problems.py reads what to keep and what to hide
pairs/           `matrix`
series/          `transfer`, `lagged` and `network`
options.py       options that several commands have
output.py        text folded to the terminal, JSON, refusals
"""

from mineral.cli import audit, benchmark, demo, estimating, experiment, shaping, task
from mineral.cli.app import main
from mineral.cli.pairs import matrix
from mineral.cli.series import lagged, network, transfer

__all__ = [
    "audit",
    "benchmark",
    "demo",
    "estimating",
    "experiment",
    "lagged",
    "main",
    "matrix",
    "network",
    "shaping",
    "task",
    "transfer",
]
