"""Benchmarks of Mineral's and other estimators on samples of known mutual information."""

from mineral.benchmark.compare import compare
from mineral.benchmark.contestants import Contestant, lineup
from mineral.benchmark.rows import Row, read
from mineral.benchmark.runner import run
from mineral.rivals import RIVALS

__all__ = ["RIVALS", "Contestant", "Row", "compare", "lineup", "read", "run"]
