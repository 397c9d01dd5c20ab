"""Outputs of executed pages are kept for one state of the library, and made again for another."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

STAMP = "state.txt"


def state(docs: Path) -> str:
    """A digest of what outputs depend on: the library, its data, and the style of figures."""
    library = docs.parent / "src" / "mineral"
    files = [path for path in library.rglob("*") if path.suffix in (".py", ".csv")]
    digest = hashlib.sha256()
    for path in [*sorted(files), docs / "site" / "matplotlibrc"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def folder(docs: Path) -> Path:
    """Where outputs of tutorials are kept."""
    return docs.parent / "build" / "executed" / state(docs)


def forget_outdated(gallery: Path, docs: Path) -> None:
    """Remove the generated gallery of another state."""
    stamp = gallery / STAMP
    if not stamp.exists() or stamp.read_text() != state(docs):
        shutil.rmtree(gallery, ignore_errors=True)
        gallery.mkdir()
        stamp.write_text(state(docs))


def reset(_settings: dict[str, Any], _file: str) -> None:
    """Before each script of the gallery: the style of matplotlibrc, and no open figures."""
    from matplotlib import pyplot

    pyplot.close("all")
    pyplot.rcdefaults()
    pyplot.style.use(Path(__file__).parent / "matplotlibrc")
