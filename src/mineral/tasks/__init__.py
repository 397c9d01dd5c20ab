"""Samples with known mutual information, to evaluate estimators.

A suite is a tuple of tasks under one name; every task has a name of its own.

>>> from mineral import tasks
>>> len(tasks.suite("beyond-normal"))
40
>>> task = tasks.find("spiral-multinormal-2pair-3-3")
>>> drawn = task.draw(1000, seed=0)
>>> drawn.x.shape, round(task.information, 4)
((1000, 3), 1.0217)

Read in this order:

    task.py         a task: samples whose information is known
    laws.py         from a law to tasks; transforms.py injective maps, which keep information
    families/       families of laws, with their exact information
    everyday/       tasks like everyday tables
    nulls.py        independent variables of every kind
    series.py       autocorrelated series
    conditional.py  I(X; Y | Z); conditional_laws.py its laws
"""

from collections.abc import Mapping
from typing import TypeVar

from mineral.errors import OptionError, suggestion
from mineral.tasks import conditional, everyday, nulls, series
from mineral.tasks.families import (
    beyond_normal,
    channels,
    digits,
    directed,
    discrete,
    embeddings,
    high,
    images,
    low_rank,
    mixed,
    mixtures,
)
from mineral.tasks.task import Draw, Sampler, Task, columns_of

Found = TypeVar("Found")

SUITES: dict[str, tuple[Task, ...]] = {
    "beyond-normal": beyond_normal.TASKS,
    "staircase": high.STAIRCASE,
    "high-information": high.TASKS,
    "low-rank": low_rank.TASKS,
    "mixtures": mixtures.TASKS,
    "channels": channels.TASKS,
    "discrete": discrete.TASKS,
    "mixed": mixed.TASKS,
    "embeddings": embeddings.TASKS,
    "images": images.TASKS,
    "digits": digits.TASKS,
    "series": series.TASKS,
    "nulls": nulls.TASKS,
    "conditional": conditional.TASKS,
    "directed": directed.TASKS,
    "everyday": everyday.TASKS,
}
TASKS: dict[str, Task] = {task.name: task for tasks in SUITES.values() for task in tasks}


def find(name: str) -> Task:
    """The task of that name.

    Raises:
        OptionError: If there is none, naming the closest.
    """
    return _named(name, TASKS, "task")


def suite(name: str) -> tuple[Task, ...]:
    """The tasks of the suite of that name.

    Raises:
        OptionError: If there is none, naming the closest.
    """
    return _named(name, SUITES, "suite")


def _named(name: str, among: Mapping[str, Found], what: str) -> Found:
    if name in among:
        return among[name]
    hint = suggestion(name, among, always=True)
    raise OptionError(f"There is no {what} {name!r}.{hint} `mineral task` lists all.")


__all__ = ["SUITES", "TASKS", "Draw", "Sampler", "Task", "columns_of", "find", "suite"]
