"""Docstrings for Sphinx: plain text and Markdown's conventions, as `help` prints them, become reST.

In a docstring, `names` are in single backquotes, an indented block after an empty line is code, and
`*`, `_` and `|` are letters, except in *emphasis* and **strong emphasis**.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SECTION = re.compile(r"(?:Args|Attributes|Example|Raises|References|Returns|Yields):$")
FILE = re.compile(r"(?:\w+\.py|\w+/)[ ,;]")  # in the list of a folder's files
QUOTED = re.compile(r"(`+[^`]+`+)")
EMPHASIS = re.compile(r"(?<![\w*])(\*{1,2})(?=[^\s*])[^*]+(?<=\S)\1(?![\w*])")
MARKUP = re.compile(r"[*|\\]|_\b")


def marked_up(lines: list[str]) -> list[str]:
    r"""The lines of a docstring in reST.

    >>> marked_up(["With a base b,", "", "    b = e |x|", "", "|f| is *0*: `x_`."])
    ['With a base b,', '', '.. code-block:: none', '', '    b = e |x|', '', '\\|f\\| is *0*: `x_`.']
    """
    written: list[str] = []
    code: int | None = None  # indentation of the text around a block of code
    before = 0  # indentation of the last line of text
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            written.append(line)
            continue
        if code is not None and indent <= code:
            code = None
        if code is None and _begins_code(written, indent, before):
            written += [" " * before + ".. code-block:: none", ""]
            code = before
        if code is None:
            before = indent
        written.append(line if code is not None or ">>>" in line else escaped(line))
    return written


def aligned(lines: list[str]) -> list[str]:
    """The lines, without the hanging indentation of references.

    >>> aligned(["References:", "    A (2020), a long", "        title.", "Raises:"])
    ['References:', '    A (2020), a long', '    title.', 'Raises:']
    """
    written: list[str] = []
    base = ""
    for line in lines:
        if base and line.strip() and not line.startswith(base):
            base = ""
        written.append(base + line.strip() if base and line.strip() else line)
        if line.strip() == "References:":
            base = line[: line.index("R")] + "    "
    return written


def escaped(line: str) -> str:
    """A line of text, in which letters that are markup in reST are letters."""
    parts = QUOTED.split(line)
    return "".join(part if k % 2 else _escaped_text(part) for k, part in enumerate(parts))


def _escaped_text(text: str) -> str:
    written, end = "", 0
    for match in EMPHASIS.finditer(text):
        written += MARKUP.sub(r"\\\g<0>", text[end : match.start()]) + match[0]
        end = match.end()
    return written + MARKUP.sub(r"\\\g<0>", text[end:])


def _begins_code(written: list[str], indent: int, before: int) -> bool:
    text = [line for line in written if line.strip()]
    if not text or written[-1].strip() or SECTION.match(text[-1].strip()):
        return False
    return indent > before


def _process(
    _app: "Sphinx", what: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    kept = [line for line in lines if what != "module" or not FILE.match(line.strip())]
    lines[:] = marked_up(aligned(kept))


def setup(app: "Sphinx") -> dict[str, bool]:
    """Before napoleon (priority 500), whose sections are headings with an indented text."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    return {"parallel_read_safe": True}
