"""One job: draw the samples, send them to a worker, and make a row of the result."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mineral.benchmark.child import Answer, Gone, Late, NoRoom, Pool
from mineral.benchmark.contestants import Contestant
from mineral.benchmark.rows import Key, Row, Status
from mineral.rivals.serve import of_storage
from mineral.tasks import Draw, Task, columns_of


@dataclass(frozen=True, kw_only=True)
class Job:
    """One estimator on one sample of one task, for at most `time_limit` seconds."""

    task: Task
    n: int
    seed: int
    contestant: Contestant
    time_limit: float | None

    @property
    def key(self) -> Key:
        """That of the row it will give."""
        return self.task.name, self.n, self.seed, self.contestant.label


@dataclass(frozen=True, kw_only=True)
class Unanswered:
    """A job that the estimator never got to answer: a disk failed, or its process did not start."""

    key: Key
    reason: str


def attempt(job: Job, pool: Pool) -> tuple[Row | Unanswered, float]:
    """The row, and the seconds of the whole job. No exception of an estimator propagates.

    There is no row where storage failed: that is no answer of the estimator's.
    """
    start = time.perf_counter()
    try:
        found: Row | Unanswered = _attempt(job, pool)
    except (NoRoom, OSError) as error:
        found = Unanswered(key=job.key, reason=_on_one_line(str(error)))
    return found, time.perf_counter() - start


def _attempt(job: Job, pool: Pool) -> Row:
    row = _without_answer(job)
    try:
        draw = job.task.draw(job.n, seed=job.seed)
    except Exception as error:
        if of_storage(error):
            raise NoRoom(f"no samples: {error}") from None
        return _without_value(row, "failed", f"no samples: {type(error).__name__}: {error}")
    if draw.pmi is not None:
        row = replace(row, oracle=float(np.mean(draw.pmi)))
    try:
        with pool.child(job.contestant.command) as child:
            row = replace(row, versions=child.versions)
            question = _question(job, draw, str(child.folder))
            del draw  # it is on disk, and the estimator may need the memory
            try:
                said = child.ask(question, job.time_limit)
            except Gone:
                child.check_room()  # no room may end a process without an error of its own
                raise
            if said.get("status") == "storage":
                raise NoRoom(str(said.get("error")))
            row = _with_answer(row, said)
            if row.status == "failed":
                child.check_room()
            return row
    except Late:
        return _without_value(row, "timeout", f"no answer within {job.time_limit:g} seconds")
    except Gone as error:
        return _without_value(row, "crashed", str(error))
    except (NoRoom, OSError):
        raise
    except Exception as error:  # no memory
        return _without_value(row, "failed", f"{type(error).__name__}: {error}")


def _without_answer(job: Job) -> Row:
    task = job.task
    return Row(
        task=task.name,
        family=task.family,
        dim_x=task.dim_x,
        dim_y=task.dim_y,
        n=job.n,
        seed=job.seed,
        label=job.contestant.label,
        truth=float(task.information) + 0.0,  # no -0.0
        truth_error=float(task.error),
    )


def _question(job: Job, draw: Draw, folder: str) -> Answer:
    sides = {"x": draw.x, "y": draw.y} | ({} if draw.z is None else {"z": draw.z})
    paths = {name: f"{folder}/{name}.npy" for name in sides}
    for name, side in sides.items():
        np.save(paths[name], _plain(name, side), allow_pickle=False)
    contestant = job.contestant
    settings = list(contestant.settings)
    return {**paths, "seed": job.seed, "estimator": contestant.estimator, "settings": settings}


def _plain(name: str, side: np.ndarray) -> np.ndarray:
    """Words beside numbers as records, whose fields have types of their own; the rest as it is."""
    if side.dtype != object:
        return side
    columns = columns_of(name, side)
    records = np.empty(len(side), dtype=[(key, part.dtype) for key, part in columns.items()])
    for key, part in columns.items():
        records[key] = part
    return records


def _with_answer(row: Row, said: Answer) -> Row:
    row = replace(
        row,
        seconds=_number(said.get("seconds")),
        peak_megabytes=_number(said.get("peak_megabytes")),
    )
    value = _number(said.get("value"))
    if value is None:
        refused = said.get("status") == "refused"
        message = str(said.get("error", f"answered {said.get('value')!r}, which is not a number"))
        return _without_value(row, "refused" if refused else "failed", message)
    return replace(
        row,
        value=value,
        low=_number(said.get("low")),
        high=_number(said.get("high")),
        confidence=_number(said.get("confidence")),
        kind=None if said.get("kind") is None else str(said["kind"]),
        warnings=tuple(map(str, said.get("warnings") or ())),
        options=_mapping(said.get("options")),
        versions=_mapping(said.get("versions")) or row.versions,
    )


def _without_value(row: Row, status: Status, message: str) -> Row:
    return replace(row, status=status, message=_on_one_line(message))


def _on_one_line(message: str) -> str:
    return " ".join(message.split())[:500]


def _number(value: object) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def _mapping(value: Any) -> Mapping[str, Any]:  # noqa: ANN401
    return value if isinstance(value, Mapping) else {}
