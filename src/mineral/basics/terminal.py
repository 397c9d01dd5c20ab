"""Texts from outside (names of files, columns and estimators) where a terminal shows them."""

import unicodedata

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that act instead of being seen: control codes, turns of direction."""


def escaped(text: str, *, keep: str = "") -> str:
    r"""The text with what would act on a terminal spelled out, as in `\x1b`.

    Args:
        text: Any text.
        keep: Characters to pass on, as "\n" where there may be several lines.

    >>> escaped("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(
        c.encode("unicode_escape").decode()
        if unicodedata.category(c) in HIDDEN and c not in keep
        else c
        for c in text
    )
