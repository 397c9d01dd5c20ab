"""Texts such as `ksg` and `k=5` → an estimator: the strings of the command line.

`file.py:Name` is a class of your own, and `file.py` holds tasks of your own: the file is run.

An estimator's options are its dataclass fields, and their types say how a text is read.
"""

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from mineral.api import KNOWN, resolve, unknown_option
from mineral.errors import OptionError
from mineral.methods import Estimator
from mineral.results import as_json
from mineral.tasks.task import Task

OWN = "mineral_own_"  # how the names of modules of users' files start


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
    estimator = resolve(own_estimator(name) if _is_own(name) else name)
    changes = {}
    for setting in settings:
        option, equals, text = setting.partition("=")
        if not equals:
            raise OptionError(f"`--set` needs OPTION=VALUE, as in k=5, got {setting!r}.")
        changes[option] = _value(estimator, option, text)
    return replace(estimator, **changes)


def own_estimator(text: str) -> type[Estimator]:
    """The class that `file.py:Name` names.

    Raises:
        OptionError: If the file does not run, or has no such estimator.
    """
    path, _, name = text.rpartition(":")
    module = _loaded(path)
    found = getattr(module, name, None)
    if not (isinstance(found, type) and issubclass(found, Estimator)):
        known = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, Estimator) and value is not Estimator
        ]
        raise OptionError(
            f"`{path}` has no estimator {name!r}: it has {', '.join(known) or 'none'}. An "
            "estimator is a subclass of mineral.Estimator."
        )
    return found


def own_tasks(path: str) -> list[Task]:
    """All tasks in a file's variables, and in its tuples and lists of tasks, each once.

    Raises:
        OptionError: If the file does not run, or has none.
    """
    found: dict[str, Task] = {}
    for value in vars(_loaded(path)).values():
        for each in value if isinstance(value, (tuple, list)) else [value]:
            if isinstance(each, Task):
                found[each.name] = each
    if not found:
        raise OptionError(f"`{path}` has no tasks: a task is an object of mineral.tasks.Task.")
    return list(found.values())


def as_text(estimator: Estimator | type[Estimator]) -> str:
    """What `configured` reads back, as another process does: `ksg:k=5`, `/a/file.py:Own:k=5`.

    Raises:
        OptionError: If an option is a Python object, or the class is not in a file.
    """
    made = estimator if isinstance(estimator, Estimator) else estimator()
    kind = type(made)
    usual = {f.name: as_json(f.default) for f in fields(kind)}
    known = settable(kind)
    settings = []
    for name, value in made.options().items():
        if value == usual[name]:
            continue
        if name not in known:
            raise OptionError(
                f"`{name}` of {made.name} is a Python object, which another process cannot read: "
                "make a subclass in a file, whose default it is."
            )
        settings.append(f"{name}={value}")
    return ":".join((_place(kind), *settings))


def _place(kind: type[Estimator]) -> str:
    if KNOWN.get(kind.name) is kind:
        return kind.name
    try:
        path = inspect.getsourcefile(kind)
    except (OSError, TypeError):
        path = None
    if path is None or not Path(path).is_file() or "." in kind.__qualname__:
        raise OptionError(
            f"`{kind.__qualname__}` must be defined at the top of a .py file, which other "
            "processes can run."
        )
    return f"{path}:{kind.__name__}"


def _is_own(name: str) -> bool:
    return name.rpartition(":")[0].endswith(".py")


def _loaded(path: str) -> ModuleType:
    """The module of a file that the user names. Its code runs, as `python file.py` would run it."""
    file = Path(path)
    if not file.is_file():
        raise OptionError(f"`{path}` is no file.")
    place = str(file.resolve())
    name = OWN + hashlib.sha256(place.encode()).hexdigest()[:16]
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, place)
    if spec is None or spec.loader is None:
        raise OptionError(f"`{path}` must be a Python file, which ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise OptionError(f"`{path}` does not run: {type(error).__name__}: {error}.") from error
    return module


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
