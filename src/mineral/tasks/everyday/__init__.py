"""Tasks like everyday tables, each kind with an exact truth: independent and dependent ones.

Read first   `wrappers`   `known` and `independent`, which make a task; columns beside, sorted rows
then         `marginals`  one side by itself: an index, counts, words, …
             `tables`     laws of discrete values: a table of probabilities
             `densities`  laws with a density: classes, curves over a design, shared phases
then a kind  `regular` `rounded` `atoms` `labels` `times` `rows` `columns`: its laws, and `TASKS`

A task's family is its kind; its information is 0 where X and Y are independent, and its name ends
in `apart` there. Its parameter `in_series` is true if rows depend on earlier rows, so that their
order matters. `INFINITE` has relations without noise, whose information is infinite.
"""

from mineral.tasks.everyday import atoms, columns, labels, regular, rounded, rows, times
from mineral.tasks.task import Task

KINDS: dict[str, tuple[Task, ...]] = {
    module.KIND: module.TASKS for module in (regular, rounded, atoms, labels, times, rows, columns)
}
TASKS: tuple[Task, ...] = tuple(task for tasks in KINDS.values() for task in tasks)
INFINITE: tuple[Task, ...] = rows.INFINITE
