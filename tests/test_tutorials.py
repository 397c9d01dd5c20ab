"""Tutorials and the gallery: each begins with a picture, and runs. The build of the site runs them.

`make docs` executes every cell and script, and fails if one does; these tests need no Sphinx.
"""

import ast
import os
import re
import subprocess
import sys

import pytest
import scripts
from documented import PAGES, ROOT, blocks, cells

DOCS = ROOT / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
SCRIPTS = sorted((ROOT / "examples").rglob("*.py"))
TWELVE = 12  # files in a folder, at most
QUIET = {"MPLBACKEND": "agg", "MATPLOTLIBRC": str(DOCS / "site" / "matplotlibrc")}


def run(code, folder):
    """The program in a process of its own, in an empty folder."""
    path = folder / "page.py"
    path.write_text(code, encoding="utf-8")
    environment = os.environ | QUIET | {"PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, str(path)], cwd=folder, env=environment, check=True)


def test_there_are_nine_tutorials_and_24_scripts():
    assert len(TUTORIALS) == 9 and len(SCRIPTS) == 24
    folders = {path.parent for path in [*SCRIPTS, *DOCS.glob("howto/*/*.md")]}
    assert all(len(list(folder.iterdir())) <= TWELVE for folder in folders)


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_begins_with_a_figure_and_checks_its_figures(path):
    page = path.read_text(encoding="utf-8")
    assert page.startswith("---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n\n# ")
    before, first, *_ = re.split(r"^```\{code-cell\}\n", page, flags=re.MULTILINE)
    assert len(before.splitlines()) <= 8, "the figure comes right after the title"
    assert first.startswith(":tags: [hide-input]") and "plt.show()" in first
    assert re.search(r"\[nats\]|\[mm\]|correct", first), "axes have units"
    checks = page.rsplit("```{code-cell}\n:tags: [remove-cell]\n", 1)[1]
    assert "assert " in checks, "the last, hidden cell compares the text with the results"
    for text in cells(page):
        ast.parse(text)


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_code_that_a_tutorial_repeats_is_run_elsewhere(path):
    page, gan = (each.read_text(encoding="utf-8") for each in (path, PAGES["gan"]))
    runs = "\n".join([*cells(page), *blocks(gan, ["python"])])
    for text in blocks(page, ["python"]):
        assert all(line.strip() in runs for line in text.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_runs(path, tmp_path):
    run("\n".join(cells(path.read_text(encoding="utf-8"))), tmp_path)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_of_the_gallery_has_a_title_a_picture_and_less_than_40_lines(path):
    text = path.read_text(encoding="utf-8")
    title, line, empty, about = ast.get_docstring(ast.parse(text)).splitlines()[:4]
    assert line == "=" * len(title) and not empty and about
    assert len(text.splitlines()) < 40 and text.endswith("plt.show()\n")


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_of_the_gallery_runs(path, tmp_path):
    run(path.read_text(encoding="utf-8"), tmp_path)


def test_every_how_to_is_listed():
    index = PAGES["howto"].read_text(encoding="utf-8")
    pages = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.glob("howto/*/*.md"))
    assert sorted(re.findall(r"\]\((howto/[^)]+)\)", index)) == pages


def test_the_picture_of_the_chooser_has_every_row_of_its_table():
    table = scripts.load("choosing").measured()
    rows = re.findall(
        r"^\| `([\w-]+)` \|(?: [-+\d.–]+ \|){9}$", PAGES["choosing"].read_text(), flags=re.M
    )
    assert list(table) == rows and "auto" in rows
    assert all(len(errors) == 8 for errors in table.values())
