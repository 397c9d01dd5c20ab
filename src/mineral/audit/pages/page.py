"""An audit → one HTML page: the frontier, a table of encoders, attacks with chance, pictures.

It is one file that needs no network.
"""

import os

import numpy as np

from mineral.audit.findings import Audit, Audited
from mineral.audit.pages import drawings, words
from mineral.report.drawings import draw, own_settings
from mineral.report.templates import template
from mineral.system import storage


def write(audit: Audit, path: str | os.PathLike[str], *, command: str = "") -> None:
    """Write the page in one step: a crash leaves the old page or none.

    Raises:
        MissingExtraError: If jinja2 or matplotlib is not installed.
        InputError: If the file cannot be written, with the system's reason.
    """
    storage.write(path, page(audit, command=command).encode(errors="replace"))


def page(audit: Audit, *, command: str = "") -> str:
    """The page that `write` writes."""
    form = template("mineral.audit.pages")
    names = list(dict.fromkeys(attack.name for each in audit.encoders for attack in each.attacks))
    with own_settings():
        label = "Scatter plot: what each encoder keeps, up, against what it leaks, across."
        frontier = [
            draw(figure, label, name=f"frontier-{k}")
            for k, figure in enumerate(drawings.frontier(audit))
        ]
        pictures = {each.encoder: _pictures(each, audit) for each in audit.encoders}
    return form.render(
        audit=audit,
        attacks=names,
        command=command,
        frontier=frontier,
        leaked=words.leaked(audit),
        original=_original(audit),
        pictures={name: each for name, each in pictures.items() if each},
        words=words,
    )


def _original(audit: Audit) -> str | None:
    shown = next((each.pictures for each in audit.encoders if each.pictures), None)
    if shown is None or audit.shape is None:
        return None
    return drawings.images(*_within(shown.original, shown.original), audit.shape)


def _pictures(each: Audited, audit: Audit) -> tuple[str, str] | None:
    """Encoded and reconstructed."""
    shown = each.pictures
    if shown is None or audit.shape is None:
        return None
    same = shown.encoded.shape == shown.original.shape
    encoded = (
        drawings.images(*_within(shown.encoded, shown.original), audit.shape)
        if same
        else drawings.images(shown.encoded, None)
    )
    return encoded, drawings.images(*_within(shown.reconstructed, shown.original), audit.shape)


def _within(rows: np.ndarray, like: np.ndarray) -> tuple[np.ndarray]:
    """On the scale on which the originals go from black to white."""
    low, high = float(like.min()), float(like.max())
    return ((rows - low) / ((high - low) or 1.0),)
