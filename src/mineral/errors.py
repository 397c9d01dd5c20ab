"""Errors for invalid use: one line each, naming the argument and the remedy.

Every error is a `MineralError` and also the built-in that Python users expect to catch, so
`except ValueError` and `except TypeError` keep working.
"""

import difflib
from collections.abc import Iterable

MOST_SUGGESTED = 3  # names in one suggestion


class MineralError(Exception):
    """Anything that Mineral refuses to do, with the reason and the remedy."""


class InputError(MineralError, ValueError):
    """The samples, or a file that holds them, have a value or a shape that cannot be used."""


class InputTypeError(MineralError, TypeError):
    """The samples are of a kind that cannot be read as numbers."""


class OptionError(MineralError, ValueError):
    """An option, an estimator's name or a setting is unknown or out of range."""


class MissingExtraError(MineralError, ImportError):
    """A feature needs an optional package that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs an optional package: run `pip install 'mineral[{extra}]'`."
        )
        self._arguments = (feature, extra)

    def __reduce__(self) -> tuple[type["MissingExtraError"], tuple[str, str]]:
        """Pickle the arguments, for errors in other processes."""
        return type(self), self._arguments


def suggestion(name: str, known: Iterable[str], *, always: bool = False) -> str:
    """A question that names the closest of the known names: ` Did you mean 'ksg' or 'lnc'?`.

    Case is ignored. Three names at most; none where no name is close, unless `always`.
    """
    by_folded: dict[str, str] = {}
    for each in known:
        by_folded.setdefault(each.casefold(), each)
    folded = name.casefold()
    near = difflib.get_close_matches(folded, by_folded, n=MOST_SUGGESTED)
    if not near and always:
        near = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0)
    if near[:1] == [folded]:
        near = near[:1]
    quoted = [repr(by_folded[each]) for each in near]
    if not quoted:
        return ""
    return f" Did you mean {' or '.join(filter(None, (', '.join(quoted[:-1]), quoted[-1])))}?"
