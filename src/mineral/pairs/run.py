"""`mineral.matrix`: read, compute in chunks, store what is finished, and collect."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mineral.api import count_of
from mineral.basics.types import Unit
from mineral.errors import OptionError
from mineral.methods import Estimator
from mineral.pairs.execute import results
from mineral.pairs.folder import PAIRS, Folder
from mineral.pairs.plan import Part
from mineral.pairs.request import Prepared, Request, prepare
from mineral.pairs.result import Matrix
from mineral.pairs.sheet import arguments_of
from mineral.results import Caution, nats_per
from mineral.system.folders import make
from mineral.system.locks import locked
from mineral.system.machine import versions
from mineral.system.progress import ProgressOption, Watch, reporting

LOCKS = "locks"  # a folder in `out`, with one for each share


def matrix(
    table: Any,  # noqa: ANN401
    *,
    target: str | Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    given: str | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    estimator: str | Estimator | type[Estimator] = "copula",
    jobs: int = 1,
    scheduler: str | None = None,
    out: str | os.PathLike[str] | None = None,
    seed: int = 0,
    confidence: float = 0.95,
    unit: Unit = "nats",
    missing: str = "pairwise",
    permutations: int | None = None,
    progress: ProgressOption = False,
    **options: Any,  # noqa: ANN401
) -> Matrix:
    """Estimate the mutual information of every pair of columns of a table.

    The result of a pair depends on its two columns, the condition, the options and the seed only:
    it has the same bits whatever other pairs there are, in any order of the columns, and with any
    number of workers.

    Args:
        table: A frame of pandas, polars or Arrow, a dict of columns, or an array of shape (n, p).
            Columns of text are categories; dates are elapsed time.
        target: Pairs of this column, or of these, with all others; None for all pairs.
        columns: The columns to use, besides `target` and `given`; None for all.
        given: Columns of a condition Z, for I(X; Y | Z).
        types: `"number"` or `"category"` for columns whose type is not what their values suggest.
        estimator: `"copula"` for thousands of columns: the Gaussian copula, with p-values in closed
            form, which misses dependence that is not monotone. `"auto"` for a hundred columns: the
            default of `mineral.estimate`. Or any other estimator of it.
        jobs: Threads of `"copula"`, and processes of other estimators, each with one thread.
        scheduler: The address of a Dask scheduler, such as "tcp://10.0.0.1:8786", whose workers are
            used in place of `jobs`; not of `"copula"`. Workers run what it sends: trust it.
        out: A folder for finished pairs: the same call with it resumes, and repeats nothing.
        seed: Fixes every random choice, together with the content of a pair's columns.
        confidence: The level of the intervals.
        unit: `"nats"` or `"bits"`.
        missing: `"pairwise"` to use the rows that both columns of a pair have, or `"raise"`.
        permutations: Of the test of independence of each pair (`mineral.independence`): 199 unless
            given, 0 for no p-values. `"copula"` needs none.
        progress: True for a progress bar on standard error, or a function called with
            (fraction done, what is running).
        options: Of the estimator, such as `budget="fast"` of `"auto"`.

    Returns:
        The matrix: arrays with an entry for each pair, `frame()`, `array()`, `plot()`, `report()`.

    Raises:
        InputError: If the table, or a column that is named, cannot be used.
        InputTypeError: If a column cannot be read.
        OptionError: If an option or a name is unknown, or `out` holds other pairs.
        MissingExtraError: If joblib is not installed, or Dask for `scheduler`, or pyarrow and
            filelock for `out`.

    References:
        Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x, on q-values.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x, noise = rng.standard_normal((2, 500))
        >>> found = matrix({"x": x, "y": x + 2 * noise, "z": noise})
        >>> found.array().round(1)
        array([[ nan,  0.1, -0. ],
               [ 0.1,  nan,  0.7],
               [-0. ,  0.7,  nan]])
    """
    nats_per(unit)
    count_of("jobs", jobs, least=1)
    prepared = prepare(
        table,
        target=target,
        columns=columns,
        given=given,
        types=types,
        estimator=estimator,
        seed=seed,
        confidence=confidence,
        missing=missing,
        permutations=permutations,
        options=options,
    )
    return run(prepared, jobs=jobs, scheduler=scheduler, out=out, unit=unit, progress=progress)


def check_scheduler(prepared: Prepared, scheduler: str | None) -> None:
    """Refuse a cluster for what runs in threads of one machine.

    Raises:
        OptionError: If there is a scheduler for a copula.
    """
    if scheduler is not None and prepared.request.is_copula:
        raise OptionError(
            "`scheduler` does not apply to copula, which runs in threads of one machine: use "
            "`jobs`, or shares (`mineral matrix --array`)."
        )


def run(
    prepared: Prepared,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    out: str | os.PathLike[str] | None = None,
    unit: Unit = "nats",
    progress: ProgressOption = False,
) -> Matrix:
    """Compute all pairs of a request, those that `out` lacks; options as of `matrix`."""
    start = time.perf_counter()
    check_scheduler(prepared, scheduler)
    request = prepared.request
    if out is None:
        whole = Part.empty(len(request.plan))
        with reporting(progress) as report:
            watch = Watch(len(request.plan), report, "pairs")
            for chunk, part in results(
                prepared.engine, request.chunks, jobs, whole=whole, scheduler=scheduler
            ):
                if not np.shares_memory(part.value, whole.value):
                    whole.put(chunk.start, part)
                watch.done(len(chunk))
    else:
        share(prepared, out, jobs=jobs, scheduler=scheduler, progress=progress)
        whole = Folder.find(Path(out)).collect()
    found = assembled(
        request,
        whole,
        unit=unit,
        seconds=time.perf_counter() - start,
        arguments=prepared.arguments,
    )
    if out is not None:
        found.to_parquet(Path(out) / PAIRS)
    return found


def share(
    prepared: Prepared,
    out: str | os.PathLike[str],
    *,
    part: tuple[int, int] = (1, 1),
    jobs: int = 1,
    scheduler: str | None = None,
    progress: ProgressOption = False,
) -> int:
    """Compute and store the chunks of one share that a folder lacks, as in an array of jobs.

    Args:
        prepared: What to compute.
        out: The folder.
        part: (i, n) for share i, from 1, of n shares, which may run at the same time.
        jobs: As of `matrix`.
        scheduler: The same.
        progress: The same.

    Returns:
        The number of chunks that were computed.

    Raises:
        OptionError: If the folder holds other pairs, or another run computes the same share.
        InputError: If a file cannot be written.
        MissingExtraError: If pyarrow or filelock is not installed.
    """
    i, n = part
    check_scheduler(prepared, scheduler)
    folder = Folder.start(Path(out), prepared.request)
    own = [chunk for chunk in prepared.request.chunks if chunk.number % n == i - 1]
    with _alone(folder.path, i, n):
        missing = [chunk for chunk in own if not folder.is_done(chunk)]
        with reporting(progress) as report:
            watch = Watch(sum(map(len, own)), report, "pairs")
            watch.skip(sum(map(len, own)) - sum(map(len, missing)))
            for chunk, found in results(prepared.engine, missing, jobs, scheduler=scheduler):
                folder.write(chunk, found)
                watch.done(len(chunk))
    return len(missing)


def merge(
    out: str | os.PathLike[str], *, unit: Unit = "nats", progress: ProgressOption = False
) -> Matrix:
    """The matrix of a folder whose shares are all finished; it is written to its pairs.parquet.

    Raises:
        InputError: If the folder is of no matrix, or some of its chunks are missing.
    """
    nats_per(unit)
    start = time.perf_counter()
    folder = Folder.find(Path(out))
    with reporting(progress):
        request = folder.request
        found = assembled(
            request,
            folder.collect(),
            unit=unit,
            seconds=time.perf_counter() - start,
            arguments=arguments_of(
                target=request.names[: request.first] if request.targets else None
            ),
        )
        found.to_parquet(folder.path / PAIRS)
    return found


@contextmanager
def _alone(folder: Path, i: int, n: int) -> Iterator[None]:
    """Within it, no other run computes this share."""
    place = folder / LOCKS / f"{i}-of-{n}"
    make(place)
    with locked(place):
        yield


def assembled(
    request: Request,
    whole: Part,
    *,
    unit: Unit,
    seconds: float,
    arguments: Mapping[str, Any],
) -> Matrix:
    """The matrix of all results."""
    nats = nats_per(unit)
    if nats != 1:
        for array in (whole.value, whole.low, whole.high):
            array /= nats
    return Matrix(
        names=tuple(request.names),
        types=dict(zip(request.names, request.types, strict=True)),
        plan=request.plan,
        n=whole.n,
        value=whole.value,
        lower=whole.low,
        upper=whole.high,
        p_value=whole.p_value,
        notes=whole.notes,
        estimator=request.estimator,
        options=request.options,
        given=tuple(request.given),
        unit=unit,
        confidence=request.confidence,
        permutations=request.permutations,
        seed=request.seed,
        rows=request.rows,
        warnings=(
            *(Caution(code=code, message=text) for code, text in request.warnings),
            *_pairs_without_value(whole),
        ),
        seconds=seconds,
        versions=versions(),
        arguments=arguments,
    )


def _pairs_without_value(whole: Part) -> tuple[Caution, ...]:
    """A caution on pairs without a value."""
    count = int(np.isnan(whole.value).sum())
    if not count:
        return ()
    pair = int(np.isnan(whole.value).argmax())
    reason = whole.notes.get(pair, "too few rows that both columns have, or one is constant there.")
    return (
        Caution(
            "pairs-without-value",
            f"{count:,} of {len(whole.value):,} pairs have no value. The first: {reason}",
        ),
    )
