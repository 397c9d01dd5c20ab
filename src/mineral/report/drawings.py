"""Figures → SVG inside an HTML page: text as text, the same bytes every time."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from mineral.errors import MissingExtraError
from mineral.system.threads import Shared, quiet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {"svg.fonttype": "none", "svg.hashsalt": "mineral", "savefig.dpi": 200}
NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}
REFERENCE = re.compile(r"(^|url\()#([\w-]+)")


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure for a page.

    Attributes:
        svg: The `<svg>` element.
        label: What it shows, for those who do not see it.
    """

    svg: str
    label: str


def own_settings() -> AbstractContextManager[None]:
    """Within it, matplotlib draws for a page; after it, the caller's settings are as they were.

    matplotlib's settings belong to the whole process: threads that draw at the same time share
    these, and the last one restores the caller's.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError("A report", "report") from None
    return _OWN_SETTINGS


@contextmanager
def _for_a_page() -> Iterator[None]:
    import matplotlib

    settings: Any = {k: v for k, v in matplotlib.rcParamsDefault.items() if k != "backend"}
    # The browser has the glyphs that matplotlib's own font lacks, as for Chinese names; and a
    # number of a hundred digits beside the axes leaves no room for them. It warns of both.
    with matplotlib.rc_context(settings | SETTINGS), quiet():
        yield


_OWN_SETTINGS = Shared(_for_a_page)


def draw(figure: "Figure", label: str, *, name: str) -> Drawing:
    """The figure as SVG. `name` keeps its ids apart from those of the page's other drawings."""
    content = io.BytesIO()
    figure.savefig(content, format="svg", metadata=NO_METADATA, transparent=True)
    root = ElementTree.fromstring(content.getvalue())
    _strip(root)
    _rename(root, name)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.set("role", "img")
    root.set("aria-label", label)
    return Drawing(svg=ElementTree.tostring(root, encoding="unicode"), label=label)


def picture_file(figure: "Callable[[], Figure]", ending: str, *, dpi: int = 160) -> bytes:
    """The content of a file with a figure, as for a page.

    Args:
        figure: Makes it.
        ending: Of the file: one of `storage.PICTURES`.
        dpi: Pixels for each inch of a .png.
    """
    content = io.BytesIO()
    with own_settings():
        figure().savefig(content, format=ending.lower()[1:], dpi=dpi)
    return content.getvalue()


def _strip(root: ElementTree.Element) -> None:
    """Take off namespaces, which HTML knows by itself, and style sheets, which would leak."""
    for element in root.iter():
        element.tag = element.tag.split("}")[-1]
        element.attrib = {key.split("}")[-1]: value for key, value in element.attrib.items()}
        for child in [child for child in element if child.tag.endswith("}style")]:
            element.remove(child)


def _rename(root: ElementTree.Element, name: str) -> None:
    """Keep the ids that something refers to, and mark them as this drawing's own."""
    elements = list(root.iter())
    used: set[str] = set()
    for element in elements:
        for key, value in element.attrib.items():
            if key == "href" or "url(#" in value:
                used.update(found for _, found in REFERENCE.findall(value))
                element.set(key, REFERENCE.sub(rf"\1#{name}-\2", value))
    for element in elements:
        identity = element.attrib.pop("id", None)
        if identity in used:
            element.set("id", f"{name}-{identity}")
