"""A file whose names are known, and the report of its errors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mineral.errors import InputError


@dataclass(frozen=True)
class Source:
    """A file whose names are known, and whose values are not read yet.

    Attributes:
        names: The names that can be chosen.
        load: Reads the values of some of them.
        noun: The word before the name in a label, if the name is a bare number.
        hint: A sentence on why the names may be wrong, for a file with a single column.
    """

    names: tuple[str, ...]
    load: Callable[[Sequence[str]], Mapping[str, Any]]
    noun: str = ""
    hint: str = ""


@contextmanager
def readable(path: Path, what: str) -> Iterator[None]:
    """Convert any exception of a library on a damaged file to an InputError of one line."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        reason = f"it is damaged, cut short, or not {what}"
        if isinstance(error, PermissionError):
            reason = "permission denied"
        elif str(error).startswith("Object arrays"):
            reason = "it holds Python objects, which could run code. Save an array of numbers"
        raise InputError(f"`{path}` cannot be read: {reason}.") from None
