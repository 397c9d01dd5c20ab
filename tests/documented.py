"""What the documentation shows: its pages, their blocks, and the commands in them."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parent.parent
GENERATED = ROOT / "docs" / "gallery"
_WRITTEN = [path for path in sorted((ROOT / "docs").rglob("*.md")) if GENERATED not in path.parents]
PAGES = {path.stem: path for path in [ROOT / "README.md", *_WRITTEN]}
assert len(PAGES) == len(_WRITTEN) + 1, "two pages have the same file name"
PROGRAMS = r"(?:mineral|python|make)(?: |$)"
SHELL = ["|", ">", "<", "&&", ";", "$("]


def blocks(page, languages):
    """The fenced blocks of these languages, without the indentation of lists."""
    found = re.findall(r"^ *```([^`\n]*)\n(.*?)^ *```", page, flags=re.DOTALL | re.MULTILINE)
    return [text for language, text in found if language in languages]


def cells(page):
    """The code of a tutorial's cells, without their tags."""
    return [re.sub(r"^:\w+:.*\n", "", text) for text in blocks(page, ["{code-cell}"])]


def lines_of(page):
    """Command lines, of blocks in fences, indented, after `$ `, or between backquotes."""
    text = page.replace("\\\n", " ")
    found = [line for block in blocks(text, ["", "sh"]) for line in block.splitlines()]
    found += re.findall(rf"^    ({PROGRAMS}.*)$", text, flags=re.MULTILINE)
    lines = [re.sub(r"^\$ ", "", line.strip()) for line in found]
    lines += re.findall(r"`([^`\n]+)`", text)
    # `a | b`, `a && b`: each is a command; in a table the bar is escaped.
    parts = [part.strip() for line in lines for part in re.split(r" \\?\| (?!-)| && ", line)]
    return list(dict.fromkeys(part for part in parts if re.match(PROGRAMS, part)))


def commands(page, program="mineral"):
    """The command lines of one program."""
    return [line for line in lines_of(page) if line.split()[0] == program]


def words_of(line):
    """The words after the program, up to a comment, a redirection, or what may be left out."""
    words = shlex.split(re.sub(r"\s\[.*", "", line), comments=True)[1:]
    return words[: next((i for i, word in enumerate(words) if word in SHELL), len(words))]
