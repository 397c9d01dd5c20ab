"""Templates of pages, with the style that all pages share."""

from importlib.resources import files
from typing import TYPE_CHECKING

from mineral.errors import MissingExtraError

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup


def template(package: str, name: str = "template.html.j2") -> "Template":
    """A template that lies in a package. It knows `style`, and the filter `code`.

    Raises:
        MissingExtraError: If jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise MissingExtraError("A report", "report") from None
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["code"] = code
    style = files("mineral.report").joinpath("style.css").read_text(encoding="utf-8")
    environment.globals["style"] = Markup(style)
    return environment.from_string(files(package).joinpath(name).read_text(encoding="utf-8"))


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
