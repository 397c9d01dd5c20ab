"""Check the links of the built site: `python docs/site/links.py build/site`.

Every relative address of a page must be a file, and every fragment an anchor of its page.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The anchors and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.addresses: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by the parser for each tag."""
        for name, value in attrs:
            if value and name in ("id", "name"):
                self.anchors.add(value)
            if value and name in ("href", "src"):
                self.addresses.add(value)


def broken(site: Path) -> list[str]:
    """Each address that leads nowhere, with its page."""
    pages = {
        path: Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if "_static" not in path.parts  # templates of the theme
    }
    found = []
    for path, page in pages.items():
        for address in sorted(page.addresses):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors if target in pages else set()
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in anchors):
                found.append(f"{path.relative_to(site)}: {address}")
    return sorted(found)


if __name__ == "__main__":
    leads_nowhere = broken(Path(sys.argv[1]).resolve())
    sys.exit("\n".join(["Broken links:", *leads_nowhere]) if leads_nowhere else 0)
