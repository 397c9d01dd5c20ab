"""Runs an experiment into a folder, cell by cell, and resumes a killed run.

settings.json       the settings, the command and the versions
cells/KEY.json      the numbers of a finished cell, written whole or not at all
checkpoints/KEY/    what an unfinished cell keeps, if it keeps anything
tensorboard/KEY/    training curves, if enabled; they are in cells/KEY.json too
metrics.json        what is concluded in numbers
NAME.png            figures
report.md           all of it, to read
report.html         the same in one file, with the figures inside
"""

import dataclasses
import json
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch

from mineral.basics.plain import plain
from mineral.basics.types import Progress
from mineral.errors import InputError, OptionError
from mineral.experiments import drawings, parallel, scalars, writing
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, nowhere
from mineral.report.templates import template
from mineral.system import storage, workers
from mineral.system.chance import seeded
from mineral.system.folders import SETTINGS, json_of, make, settings_of
from mineral.system.locks import FILE as LOCK
from mineral.system.locks import locked
from mineral.system.machine import device_named, machine, versions
from mineral.system.progress import ProgressOption, portion, reporting

S = TypeVar("S")
KEY = re.compile(r"[a-z0-9][a-z0-9.+-]*")


def run(
    experiment: Experiment[S],
    *,
    out: str | os.PathLike[str],
    mode: str = "quick",
    changes: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    resume: bool = False,
    jobs: int = 1,
    tensorboard: bool = False,
    progress: ProgressOption = False,
    command: str = "",
) -> Conclusion:
    """Run what is missing of an experiment, and write what came out.

    Args:
        experiment: One of `EXPERIMENTS`, or of your own.
        out: The folder to write to; made if it does not exist.
        mode: `"quick"`, `"full"`, or `"standard"` if the experiment has one.
        changes: Settings other than those of the mode, by name.
        seed: Fixes every random choice; each cell has its own seed from it, so that neither order
            nor interruption matters.
        device: Where networks train: `"cpu"` unless said otherwise.
        resume: Go on with the run that `out` holds.
        jobs: Cells at a time, above one each in a process of its own, with its share of the cores.
            Numbers are the same, but for the rounding of sums over another number of threads.
        tensorboard: Write curves of training for TensorBoard, where an experiment logs them.
        progress: True for a bar on standard error, or a function (fraction, what is running); with
            several jobs it is called from another thread.
        command: What the report shows as the command that made it; by default, one that would.

    Raises:
        OptionError: If a setting is unknown, or `out` holds something else than this run, or is
            in use by another.
        InputError: If a file of the run cannot be read or written.
        MissingExtraError: If matplotlib or jinja2 is not installed, joblib for several jobs, or
            tensorboard.
    """
    settings = experiment.settings(mode, changes)
    if seed < 0:
        raise OptionError(f"`seed` must be a whole number of at least 0, got {seed}.")
    if jobs < 1:
        raise OptionError(f"`jobs` must be at least 1, got {jobs}.")
    if jobs > 1:
        workers.joblib()
    if tensorboard:
        scalars.writer()
    where = device_named(device)
    drawings.canvas(1.0, 1.0)  # if nothing can be drawn, better known now than in an hour
    template("mineral.experiments")
    folder = Path(out)
    identity = {
        "experiment": experiment.name,
        "settings": plain(dataclasses.asdict(settings)),  # type: ignore[call-overload]
        "seed": seed,
    }
    command = command or _command(experiment.name, mode, changes or {}, seed, folder)
    with _claimed(folder, identity, mode, where, command, resume=resume):
        cells = experiment.cells(settings)
        paths = {key: folder / "cells" / f"{_named(key)}.json" for key in cells}
        context = Context(
            settings=settings, key="", seed=seed, device=where, progress=_silent, folder=folder
        )
        missing = _missing(cells, paths, context, identity, tensorboard=tensorboard)
        with reporting(progress) as report:
            _do_all(missing, len(cells), jobs, report)
            report(1.0, "drawing")
        # Of new cells too: a resumed run must see the same.
        records = {key: _same(path, identity) for key, path in paths.items()}
        found: dict[str, Numbers] = {key: record["found"] for key, record in records.items()}
        conclusion = experiment.conclude(settings, found)
        seconds = sum(record["seconds"] for record in records.values())
        _write_conclusion(folder, experiment, conclusion, seconds)
    return conclusion


def _missing(
    cells: Mapping[str, Cell[S]],
    paths: Mapping[str, Path],
    context: Context[S],
    identity: Numbers,
    *,
    tensorboard: bool,
) -> dict[str, parallel.Work]:
    """The cells that have no file yet, ready to be done; `context.folder` is the run's."""
    missing: dict[str, parallel.Work] = {}
    for key, cell in cells.items():
        if paths[key].exists():
            _same(paths[key], identity)
            continue
        missing[key] = partial(
            _do,
            cell=cell,
            context=dataclasses.replace(
                context, key=key, folder=context.folder / "checkpoints" / key
            ),
            path=paths[key],
            identity=identity,
            curves=context.folder / "tensorboard" / key if tensorboard else None,
        )
    return missing


def _do_all(missing: Mapping[str, parallel.Work], count: int, jobs: int, report: Progress) -> None:
    done = count - len(missing)
    if jobs > 1 and len(missing) > 1:
        parallel.run(missing, min(jobs, len(missing)), portion(report, done / count, 1.0))
        return
    for i, (key, do) in enumerate(missing.items()):
        do(_part(report, done + i, count, key))


def _write_conclusion(
    folder: Path, experiment: Experiment[S], conclusion: Conclusion, seconds: float
) -> None:
    _write(folder / "metrics.json", plain(conclusion.metrics))
    figures = {name: drawings.png(figure) for name, figure in conclusion.figures.items()}
    for name, content in figures.items():
        storage.write(folder / f"{name}.png", content)
    made = settings_of(folder)
    text = writing.markdown(experiment, conclusion, made, seconds=seconds)
    page = writing.html(experiment, conclusion, made, seconds=seconds, figures=figures)
    storage.write(folder / "report.md", text)
    storage.write(folder / "report.html", page.encode(errors="replace"))


def _named(key: str) -> str:
    if not KEY.fullmatch(key):
        raise OptionError(f"`cells` must have keys such as 'mine-2.5', got {key!r}.")
    return key


def _silent(_share: float) -> None:
    """No progress is reported yet."""


def _do(
    progress: Callable[[float], None],
    *,
    cell: Cell[S],
    context: Context[S],
    path: Path,
    identity: Numbers,
    curves: Path | None,
) -> None:
    """Run a cell, and write what it gives."""
    start = time.perf_counter()
    log = scalars.Scalars(curves) if curves else None
    context = dataclasses.replace(context, progress=progress, log=log or nowhere)
    try:
        with seeded(context.seed_for(context.key)):
            found = cell(context)
    finally:
        if log:
            log.close()
    seconds = round(time.perf_counter() - start, 3)
    logged = {"logged": plain(log.found)} if log else {}
    _write(path, {**identity, "seconds": seconds, "found": plain(found), **logged})


@contextmanager
def _claimed(
    folder: Path,
    identity: Numbers,
    mode: str,
    device: torch.device,
    command: str,
    *,
    resume: bool,
) -> Iterator[None]:
    """Within it, the folder is this run's; or refuse: nobody else's files are touched."""
    _check_free(folder, identity, resume=resume)  # before a lock is put into somebody's folder
    make(folder)
    with locked(folder):
        note = folder / SETTINGS
        _check_free(folder, identity, resume=resume)  # another run may just have ended
        for path in folder.glob(f".{SETTINGS}.*"):
            path.unlink()  # half written by a run that was killed
        if not note.exists():
            made = {"mode": mode, "device": str(device), "command": command, "machine": machine()}
            _write(note, {**identity, **made, "versions": versions()})
        (folder / "cells").mkdir(exist_ok=True)
        yield


def _check_free(folder: Path, identity: Numbers, *, resume: bool) -> None:
    """Refuse a folder that holds another run, this one unless it is resumed, or anything else."""
    note = folder / SETTINGS
    if note.is_file():
        if not resume:
            raise OptionError(
                f"`out` {str(folder)!r} holds a run: resume it (--resume), or name another folder."
            )
        _same(note, identity)
    elif folder.exists() and not (folder.is_dir() and all(map(_begun, folder.iterdir()))):
        raise OptionError(
            f"`out` {str(folder)!r} holds files that are not from an experiment: name a new folder."
        )


def _begun(path: Path) -> bool:
    """Whether a run that was killed before its settings.json was whole may have made this."""
    if path.name == "cells":
        return path.is_dir() and not any(path.iterdir())
    return path.is_file() and (path.name == LOCK or path.name.startswith(f".{SETTINGS}."))


def _same(path: Path, identity: Numbers) -> dict[str, Any]:
    """What a file of the run holds, if it is of this very run."""
    held = json_of(path)
    if not isinstance(held, dict) or not held.keys() >= identity.keys():
        raise InputError(f"`{path}` is not from a run of this experiment: delete it.")
    for name, expected in identity.items():
        if held[name] != expected:
            raise OptionError(
                f"`{path}` was made with {_difference(name, held[name], expected)}: resume with "
                "the same settings, or name another folder."
            )
    return held


def _difference(name: str, held: Any, expected: Any) -> str:  # noqa: ANN401
    if isinstance(held, dict) and isinstance(expected, dict):
        for each in expected:
            if held.get(each) != expected[each]:
                return f"{each} = {held.get(each)!r}, not {expected[each]!r}"
    return f"{name} = {held!r}, not {expected!r}"


def _part(report: Progress, i: int, count: int, key: str) -> Callable[[float], None]:
    """Report the share of the i-th cell that is done to the run's progress."""
    report(i / count, f"{key} ({i + 1} of {count})")
    return lambda share: report((i + share) / count, f"{key} ({i + 1} of {count})")


def _command(name: str, mode: str, changes: Mapping[str, Any], seed: int, folder: Path) -> str:
    words = ["mineral", "experiment", name, f"--{mode}", "--seed", str(seed)]
    for setting, value in changes.items():
        words += ["--set", f"{setting}={json.dumps(plain(value))}"]
    return shlex.join([*words, "--out", str(folder)])


def _write(path: Path, content: Numbers) -> None:
    storage.write(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
