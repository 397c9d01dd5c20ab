"""A worker's side of the benchmark's protocol: one JSON line in, one JSON line out.

A worker is a process. When it has loaded what it needs, it writes `{"ready": {"library": "1.0"}}`.
Then, for each line of standard input such as

    {"x": "x.npy", "y": "y.npy", "seed": 0, "estimator": "ksg", "settings": ["k=5"]}

and `"z": "z.npy"` where the task has a condition, it estimates once, and writes
`{"value": 0.41, "seconds": 0.2, …}` (nats) or `{"error": "why"}`, with `"status": "refused"` where
samples do not suit it, and `"status": "storage"` where a disk failed. It ends with its input.
Whatever else the library prints goes to standard error.

Only the standard library and NumPy are imported, and Python 3.9 will do: this file also runs in
the environments of rivals. The whole protocol is in docs/rivals.md.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import inspect
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Estimate = Callable[..., Any]  # nats, or a mapping with `value`
Load = Callable[[], tuple[Estimate, Mapping[str, str]]]


class Refused(Exception):
    """These samples, or these settings, are not what the estimator is made for."""


def serve(load: Load) -> None:
    """Answer jobs until the input ends, or the process that started this one has ended.

    Args:
        load: Imports the library, which is not timed, and returns the function to call with
            (x, y, seed=, estimator=, settings=), and with given= where it has a condition, and the
            versions to report. The function returns nats, or a mapping with `value` and any of low,
            high, confidence, kind, warnings, options.
    """
    # The folder of the script that runs: its `ennemi.py` would stand before the library.
    sys.path[:] = [path for path in sys.path if Path(path) != Path(__file__).parent]
    answers = _answers()
    jobs: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    for watch in (lambda: _listen(jobs), _leave_with_parent):
        threading.Thread(target=watch, daemon=True).start()

    def reply(answer: Mapping[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        estimate, versions = load()
    except Exception as error:
        reply(_failed(error))
        return
    reply({"ready": versions})
    while (line := jobs.get()) is not None:
        reply(_answer(estimate, line))


def read(settings: list[str], **usual: Any) -> dict[str, Any]:  # noqa: ANN401
    """Settings such as `k=5` as values of the type of the usual ones, which fill the gaps."""
    found = dict(usual)
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in usual:
            raise Refused(f"no setting {name!r}: choose from {', '.join(usual) or 'none'}")
        found[name] = type(usual[name])(text)
    return found


def scaled(values: np.ndarray) -> np.ndarray:
    """Each coordinate with mean 0 and variance 1; one that does not vary stays at 0."""
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _answers() -> Any:  # noqa: ANN401
    """A file to the reader of answers; what is printed from now on goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _listen(jobs: queue.SimpleQueue[str | None]) -> None:
    for line in sys.stdin:
        jobs.put(line)
    jobs.put(None)


def _leave_with_parent() -> None:
    """A runner that was killed must leave no worker behind, not even one in the middle of a job."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _answer(estimate: Estimate, line: str) -> dict[str, Any]:
    try:
        job = json.loads(line)
        x, y = (_columns(np.load(job[name])) for name in "xy")
        rest = {name: job.get(name, usual) for name, usual in USUAL.items()}
        if "z" in job:
            if "given" not in inspect.signature(estimate).parameters:
                raise Refused("it has no condition")
            rest["given"] = _columns(np.load(job["z"]))
        held = _memory_before()
        start = time.perf_counter()
        found = estimate(x, y, **rest)
        seconds = time.perf_counter() - start
        peak = _memory_above(held)
    except Refused as error:
        status = "storage" if of_storage(error) else "refused"
        return {"error": str(error), "status": status}
    except Exception as error:
        return _failed(error)
    answer = dict(found) if isinstance(found, Mapping) else {"value": float(found)}
    return {**answer, "seconds": seconds, "peak_megabytes": peak}


def _columns(array: np.ndarray) -> Any:  # noqa: ANN401
    """Records, which hold words beside numbers, as a dict of their columns; the rest as it is."""
    names = array.dtype.names
    return array if names is None else {name: array[name] for name in names}


STORAGE = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS")
    if hasattr(errno, name)  # not every system has a quota
}
USUAL: dict[str, Any] = {"seed": 0, "estimator": "", "settings": []}


def _failed(error: Exception) -> dict[str, Any]:
    said = {"error": f"{type(error).__name__}: {error}"}
    return {**said, "status": "storage"} if of_storage(error) else said


def of_storage(error: BaseException | None) -> bool:
    """Whether a disk that is full, read-only or broken is behind an error, or behind its causes."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in STORAGE:
            return True
        error = error.__cause__ or error.__context__
    return False


def _memory_before() -> float | None:
    """Megabytes held now, with the peak set back to it; None where the system cannot."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):
        # What an earlier job freed would otherwise be lent to this one without being counted.
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    return _megabytes("VmRSS")


def _memory_above(held: float | None) -> float | None:
    peak = None if held is None else _megabytes("VmHWM")
    return None if peak is None or held is None else max(0.0, peak - held)


def _megabytes(name: str) -> float | None:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return None
