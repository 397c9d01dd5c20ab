"""Estimate → one self-contained HTML page.

page.py       the page; words.py its sentences and tables
drawings.py   figures → SVG inside a page
templates.py  templates of this and other pages, and their style: all extend base.html.j2, with the
              sections of parts.html.j2
"""

from mineral.report.page import write

__all__ = ["write"]
