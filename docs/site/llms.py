"""llms.txt of the built site: each page's title, first paragraph, and address as plain text.

The format is that of https://llmstxt.org.
"""

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

SUMMARY = 200  # characters of a page's first paragraph


def pages_of(environment: BuildEnvironment, name: str) -> list[str]:
    """The pages below a page, in the order of its tables of contents."""
    below = environment.toctree_includes.get(name, [])
    return [page for child in below for page in (child, *pages_of(environment, child))]


def summary(document: nodes.document) -> str:
    """The first paragraph outside of notes, in one line, cut after a word."""
    paragraphs = document.findall(nodes.paragraph)
    first = next((each for each in paragraphs if not _is_in_note(each)), None)
    text = " ".join(first.astext().split()) if first is not None else ""
    return text if len(text) <= SUMMARY else f"{text[:SUMMARY].rsplit(' ', 1)[0]} …"


def _is_in_note(paragraph: nodes.Element) -> bool:
    """Whether it is in a note, as that of the gallery about downloads."""
    parent = paragraph.parent
    return parent is not None and (isinstance(parent, nodes.Admonition) or _is_in_note(parent))


def content(environment: BuildEnvironment) -> str:
    """The text of llms.txt."""
    root = environment.get_doctree(environment.config.root_doc)
    lines = [f"# {environment.config.project}", "", f"> {summary(root)}", "", "## Pages", ""]
    for name in pages_of(environment, environment.config.root_doc):
        suffix = Path(environment.doc2path(name)).suffix
        title = environment.titles[name].astext()
        about = summary(environment.get_doctree(name))
        lines.append(f"- [{title}](_sources/{name}{suffix}.txt): {about}")
    return "\n".join([*lines, ""])


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        (Path(app.outdir) / "llms.txt").write_text(content(app.env), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """After the pages are written."""
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True}
