"""Estimate → one self-contained HTML page."""

from mineral.report.page import write

__all__ = ["write"]
