"""Estimate → one self-contained HTML page.

page.py       the page; words.py its sentences and tables
drawings.py   figures → SVG inside a page
templates.py  templates of this and other pages, and their style
"""

from mineral.report.page import write

__all__ = ["write"]
