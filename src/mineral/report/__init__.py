"""Estimate → one HTML page that explains itself, for a colleague or a notebook of record."""

from mineral.report.page import write

__all__ = ["write"]
