"""The documentation site: helpers, links, and a place for every public name. See `make docs`."""

import doctest
import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from documented import PAGES, ROOT
from public import MODULES, public_names

sys.path.insert(0, str(ROOT / "docs" / "site"))

import docstrings
import executed
import links

DIRECTIVE = re.compile(r"^\.\. auto(\w+):: ([\w.]+)", flags=re.MULTILINE)


def resolved(name):
    """The object that a page of the reference documents."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module or "mineral"), last)


def documented_objects():
    """Of every name that the reference lists, or that a module of it exports."""
    found = []
    for path in sorted((ROOT / "docs" / "api").glob("*.rst")):
        for kind, name in DIRECTIVE.findall(path.read_text()):
            if kind == "module":
                assert name in MODULES
                found += public_names(name).values()
            else:
                found.append(resolved(name))
    return found


def test_the_reference_has_every_public_name_of_mineral():
    documented = {id(each) for each in documented_objects()}
    missing = [name for name, each in public_names("mineral").items() if id(each) not in documented]
    assert missing == []


def test_the_reference_has_every_public_module():
    text = "\n".join(path.read_text() for path in (ROOT / "docs" / "api").glob("*.rst"))
    for name in MODULES:
        assert name == "mineral" or f".. automodule:: {name}\n   :members:" in text


@pytest.mark.parametrize("name", PAGES)
def test_links_between_pages_work_on_github_too(name):
    path = PAGES[name]
    for target in re.findall(r"\]\(([^)#\s:]+)(?:#[\w-]*)?\)", path.read_text()):
        if not target.startswith("gallery/"):  # which the build generates
            assert (path.parent / target).exists(), target


def test_docstrings_become_markup():
    assert doctest.testmod(docstrings).failed == 0


def test_blocks_of_code_end_with_their_indentation():
    text = ["Before", "", "    a = 1", "", "    b = 2", "After *all*", "", "Args:", "    x: *"]
    marked = docstrings.marked_up(text)
    assert marked == [*text[:2], ".. code-block:: none", "", *text[2:8], r"    x: \*"]


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<a id="top" href="b.html#end"><img src="c.png">')
    (tmp_path / "b.html").write_text('<a href="a.html#top"><a href="#end"><a href="https://x.y/z">')
    assert links.broken(tmp_path) == ["a.html: b.html#end", "a.html: c.png", "b.html: #end"]
    (tmp_path / "b.html").write_text('<p id="end">')
    (tmp_path / "c.png").touch()
    assert links.broken(tmp_path) == []


def test_outputs_are_kept_until_the_library_changes(tmp_path):
    docs, source = tmp_path / "docs", tmp_path / "src" / "mineral"
    for folder in (docs / "site", source):
        folder.mkdir(parents=True)
    (docs / "site" / "matplotlibrc").touch()
    (source / "a.py").write_text("1")
    kept, picture = executed.folder(docs), docs / "gallery" / "picture.png"
    executed.forget_outdated(docs / "gallery", docs)
    picture.touch()
    executed.forget_outdated(docs / "gallery", docs)
    assert picture.exists() and executed.folder(docs) == kept
    (source / "a.py").write_text("2")
    executed.forget_outdated(docs / "gallery", docs)
    assert not picture.exists() and executed.folder(docs) != kept


SITE = ROOT / "build" / "site"
SEARCHES = [
    line.split("\t") for line in (Path(__file__).parent / "searches.tsv").read_text().splitlines()
]
BEST = 3  # pages that a reader looks at


def test_expected_pages_of_searches_exist():
    for _, page in SEARCHES:
        assert list((ROOT / "docs").glob(f"{page}.*")), page


@pytest.mark.slow
@pytest.mark.skipif(not (SITE / "searchindex.js").exists(), reason="`make docs` builds the site")
@pytest.mark.skipif(shutil.which("node") is None, reason="runs the search of the site: needs node")
def test_the_search_of_the_site_finds_the_page_among_the_first():
    done = subprocess.run(
        ["node", str(Path(__file__).parent / "search_site.js"), str(SITE)],
        input=json.dumps([query for query, _ in SEARCHES]),
        capture_output=True,
        text=True,
        check=True,
    )
    found = [pages[:BEST] for pages in json.loads(done.stdout)]
    wrong = [(q, f) for (q, page), f in zip(SEARCHES, found, strict=True) if page not in f]
    assert wrong == []


LOOKED_AT = ("index", "tutorials/independence", "gallery/index", "howto", "choosing", "api/calls")


@pytest.mark.slow
@pytest.mark.skipif(not (SITE / "searchindex.js").exists(), reason="`make docs` builds the site")
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_browser_shows_pages_without_complaint(width, scheme, tmp_path):
    quiet = (
        "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking"
    )
    for page in LOOKED_AT:
        shown = subprocess.run(
            [
                "chromium",
                *(f"--{flag}" for flag in quiet.split()),
                f"--user-data-dir={tmp_path / 'profile'}",
                f"--window-size={width},900",
                f"--blink-settings=preferredColorScheme={int(scheme == 'light')}",
                "--enable-logging=stderr",
                "--dump-dom",
                (SITE / f"{page}.html").as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
        assert not re.search(r":(?:ERROR|WARNING):CONSOLE", shown.stderr), page
        assert f'data-theme="{scheme}"' in shown.stdout and "<h1" in shown.stdout, page
