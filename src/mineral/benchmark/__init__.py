"""Benchmarks of Mineral's and other estimators on samples of known mutual information.

Read in this order:

    runner.py       tasks × sizes × seeds × estimators → rows
    contestants.py  the estimators and rivals, each with the command of its worker
    jobs.py         one job: samples → a worker → a row
    child.py        worker processes, killed at the time limit; worker.py is ours
    rows.py         the journal: one finished run, one line
    forecast.py     the remaining time
    summary.py      rows → error, bias, coverage and cost of each estimator
    compare.py      two folders of rows → changes of the error
    tables.py       standings as CSV and Markdown
    pictures.py, page.py  figures, and the report
"""

from mineral.benchmark.compare import compare
from mineral.benchmark.contestants import Contestant, lineup
from mineral.benchmark.rows import Row, read
from mineral.benchmark.runner import run
from mineral.rivals import RIVALS

__all__ = ["RIVALS", "Contestant", "Row", "compare", "lineup", "read", "run"]
