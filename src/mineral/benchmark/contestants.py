"""The estimators and rivals of a benchmark, each with the command of its worker."""

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from mineral.errors import OptionError
from mineral.methods import Estimator
from mineral.rivals import RIVALS
from mineral.settings import as_text, configured

OURS = re.compile(r"(?P<name>.+\.py:\w+)(?P<settings>(:[^:=]+=[^:=]*)*)")
RIVAL = re.compile(r"(?P<name>[^:=]+)(?P<settings>(:[^:=]+=[^:=]*)*)(=(?P<python>.+))?")


@dataclass(frozen=True)
class Contestant:
    """An estimator with its settings, as rows and tables call it, and how to start its worker.

    Attributes:
        label: `ksg:k=5`. Unique in a benchmark.
        estimator: The name that is sent to the worker.
        settings: `("k=5",)`.
        command: The worker's command line. Those with the same one share a process.
    """

    label: str
    estimator: str
    settings: tuple[str, ...]
    command: tuple[str, ...]


def ours(chosen: str | Estimator | type[Estimator]) -> Contestant:
    """An estimator of Mineral, or a custom one, with its settings.

    `ksg`, `ksg:k=5:variant=2`, `file.py:Name:option=value`; an estimator object, or its class.

    Raises:
        OptionError: If the estimator or a setting is unknown, or has no text.
    """
    text = chosen if isinstance(chosen, str) else as_text(chosen)
    parts = OURS.fullmatch(text)
    name, *settings = text.split(":")
    if parts is not None:
        name, settings = parts["name"], parts["settings"].split(":")[1:]
    configured(name, settings)
    label = ":".join((Path(name).name, *settings))
    if parts is not None:
        path, _, of = name.rpartition(":")
        name = f"{Path(path).resolve()}:{of}"
    command = (sys.executable, "-m", "mineral.benchmark.worker")
    return Contestant(label, name, tuple(settings), command)


def rival(text: str) -> Contestant:
    """Another library's estimator: `ennemi`, `npeet=/other/bin/python`, `my/rival.R=Rscript`.

    Settings precede the interpreter: `torch-mist:method=smile=/other/bin/python`. The default
    interpreter is the current one.

    Raises:
        OptionError: If there is no such rival, script or interpreter.
    """
    parts = RIVAL.fullmatch(text)
    if parts is None:
        raise OptionError(
            f"`--rival` needs NAME or NAME=PYTHON, such as npeet=/other/bin/python, got {text!r}."
        )
    name, settings = parts["name"], tuple(parts["settings"].split(":")[1:])
    if name in RIVALS:
        script = Path(str(files("mineral.rivals"))) / RIVALS[name]
    else:
        script, name = Path(name), Path(name).stem
        if not script.is_file():
            raise OptionError(
                f"`--rival` {str(script)!r} is neither a script nor one of {', '.join(RIVALS)}."
            )
    program = shutil.which(parts["python"] or sys.executable)
    if program is None:
        raise OptionError(
            f"`--rival` {name} needs a Python interpreter, and {parts['python']!r} is not one: "
            "name the `python` of its environment."
        )
    # Not resolved: what a virtual environment's `python` links to does not know the environment.
    command = (str(Path(program).absolute()), str(script.resolve()))
    return Contestant(":".join((name, *settings)), name, settings, command)


def lineup(
    estimators: Sequence[str | Estimator | type[Estimator]], rivals: Sequence[str] = ()
) -> list[Contestant]:
    """All that take part, ours first.

    Args:
        estimators: Names with settings, `ksg:k=5`; estimator objects or classes, also of your own;
            or `file.py:Name`.
        rivals: `npeet=/other/bin/python`.

    Raises:
        OptionError: If there is none, one is unknown, or two would have one label.
    """
    found = [*map(ours, estimators), *map(rival, rivals)]
    if not found:
        raise OptionError("`estimators` names no estimator: try 'auto,ksg'.")
    labels = [each.label for each in found]
    for label in labels:
        if labels.count(label) > 1:
            raise OptionError(f"`estimators` names {label!r} twice: name it once.")
    return found
