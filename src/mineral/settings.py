"""Texts such as `k=5` → an estimator with these options: the strings of the command line.

An estimator's options are its dataclass fields, and their types say how a text is read.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from mineral.door import resolve, unknown_option
from mineral.errors import OptionError
from mineral.methods import Estimator


def _number_or_word(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


READERS: dict[Any, tuple[Callable[[str], object], str]] = {
    bool: (lambda text: {"true": True, "false": False}[text.lower()], "true or false"),
    int: (int, "a whole number"),
    float: (float, "a number"),
    str: (str, "a text"),
    object: (_number_or_word, "a number or a word"),
}
"""How an option is read from text, by its type, and what to call that.

Words of a `Literal` are texts, and the estimator says which it takes; beside numbers, what is no
number is one, too.
"""


def configured(name: str, settings: Sequence[str]) -> Estimator:
    """The estimator of that name, with options from texts like `k=5`. Of two for one, the last.

    Raises:
        OptionError: If the estimator or an option is unknown, or a value is not of its type.
    """
    estimator = resolve(name)
    changes = {}
    for setting in settings:
        option, equals, text = setting.partition("=")
        if not equals:
            raise OptionError(f"`--set` needs OPTION=VALUE, as in k=5, got {setting!r}.")
        changes[option] = _value(estimator, option, text)
    return replace(estimator, **changes)


def _value(estimator: Estimator, option: str, text: str) -> object:
    name, known = estimator.name, settable(type(estimator))
    if option not in known:
        if option in estimator.options():
            raise OptionError(f"`{option}` of {name} takes a Python object: set it from Python.")
        if not known:
            raise OptionError(f"`{option}` cannot be set: {name} has no options.")
        raise unknown_option(option, name, known)
    kind, optional = known[option]
    if optional and text.lower() == "none":
        return None
    read, noun = READERS[kind]
    try:
        return read(text)
    except (ValueError, KeyError):
        noun += " or none" if optional else ""
        raise OptionError(f"`{option}` of {name} takes {noun}, got {text!r}.") from None


def settable(kind: type[Estimator]) -> dict[str, tuple[type, bool]]:
    """The options that a text can give: for each its type, and whether it may be None."""
    found: dict[str, tuple[type, bool]] = {}
    hints = get_type_hints(kind)
    for field in fields(kind):
        hint = hints[field.name]
        united = isinstance(hint, UnionType) or get_origin(hint) is Union
        kinds = get_args(hint) if united else (hint,)
        plain = {_plain(kind) for kind in kinds if kind is not NoneType}
        if plain <= {str, int, float} and len(plain) > 1:
            found[field.name] = (object, NoneType in kinds)
        elif len(plain) == 1 and (only := next(iter(plain))) in READERS:
            found[field.name] = (only, NoneType in kinds)
    return found


def _plain(kind: Any) -> Any:  # noqa: ANN401
    """The type of what a `Literal` lists; other types as they are."""
    return type(get_args(kind)[0]) if get_origin(kind) is Literal else kind
