"""Templates of pages, with the style that all pages share."""

from importlib.resources import files
from typing import TYPE_CHECKING

from mineral.errors import MissingExtraError

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup


PAGE = "template.html.j2"  # in the package of each kind of page
SHARED = ("base.html.j2", "parts.html.j2")  # what pages extend, and the macros they import


def template(package: str) -> "Template":
    """The template of a package's page, with `style`, the filter `code`, and the shared templates.

    Raises:
        MissingExtraError: If jinja2 is not installed.
    """
    try:
        from jinja2 import DictLoader, Environment, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise MissingExtraError("A report", "report") from None
    texts = {name: _text("mineral.report", name) for name in SHARED} | {PAGE: _text(package, PAGE)}
    environment = Environment(
        loader=DictLoader(texts),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = code
    environment.globals["style"] = Markup(_text("mineral.report", "style.css"))
    return environment.get_template(PAGE)


def _text(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def code(text: str) -> "Markup":
    """Text with its `backquoted` parts as code, all of it escaped."""
    from markupsafe import Markup, escape

    parts = text.split("`")
    if len(parts) % 2 == 0:  # A lone backquote is only itself.
        return escape(text)
    marked = [
        Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(parts)
    ]
    return Markup("").join(marked)
