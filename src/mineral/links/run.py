"""`mineral.network`: read, compute one target after another, store what is finished, collect."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from mineral.api import count_of
from mineral.basics.types import Unit
from mineral.errors import OptionError
from mineral.links.folder import NETWORK, Folder
from mineral.links.request import Prepared, prepare
from mineral.links.result import Network, assembled
from mineral.links.target import Engine, Target
from mineral.methods import Estimator
from mineral.results import nats_per
from mineral.settings import OWN
from mineral.system.locks import locked
from mineral.system.progress import ProgressOption, Watch, reporting
from mineral.system.workers import in_workers


def network(
    table: Any,  # noqa: ANN401
    *,
    target: str | Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    trial: str | None = None,
    types: Mapping[str, str] | None = None,
    max_lag: int = 10,
    degree: int = 3,
    alpha: float = 0.05,
    fdr: float = 0.05,
    surrogates: int = 499,
    estimator: str | Estimator | type[Estimator] = "copula",
    jobs: int = 1,
    out: str | os.PathLike[str] | None = None,
    seed: int = 0,
    confidence: float = 0.95,
    unit: Unit = "nats",
    missing: str = "pairwise",
    progress: ProgressOption = False,
    **options: Any,  # noqa: ANN401
) -> Network:
    """Which past values of which columns drive each column of a table of time series.

    For each target, past values of all columns at lags 1 to `max_lag` are selected one after the
    other, each by its information given those before it: the target's own past first, then all.
    Each step is a test of the largest statistic of all candidates. A link is a selected past value
    of another column; its p-value comes from surrogates of the source, and its q-value controls the
    false discovery rate over all pairs of a source and a target.

    A target's result depends on its own seed, the columns and the options only: it has the same
    bits with any number of jobs.

    Args:
        table: A frame of pandas, polars or Arrow, a dict of columns, or an array of shape
            (times, p), in order of time and at equal distances. Text of two values is read as 0
            and 1.
        target: The targets; None for all columns.
        columns: The columns to use, besides `target`; None for all.
        trial: A column whose value is the same in all rows of a trial: no lag crosses from one
            trial to the next.
        types: `"number"` or `"category"` for columns whose type is not what their values suggest.
        max_lag: The largest lag, in rows.
        degree: Past values act through polynomials of their normal scores, up to this degree: 1
            for linear action only.
        alpha: The level of each test of the selection.
        fdr: The false discovery rate at which links are called significant.
        surrogates: Of the source of each selected link.
        estimator: Of the links' values: `"copula"` uses the polynomials of the selection; any
            other estimator with a condition, as `"cmi-knn"`, does not change what is selected.
        jobs: Processes, each with one thread.
        out: A folder for finished targets: the same call with it resumes, and repeats nothing.
        seed: Fixes every random choice.
        confidence: The level of the intervals.
        unit: `"nats"` or `"bits"`.
        missing: `"pairwise"` to use the rows that each candidate has, or `"raise"`.
        progress: True for a progress bar on standard error, or a function called with
            (fraction done, what is running).
        options: Of the estimator.

    Returns:
        The network: `links`, `significant`, `frame()`, `plot()`, `report()`.

    Raises:
        InputError: If the table, or a column that is named, cannot be used.
        InputTypeError: If a column cannot be read.
        OptionError: If an option or a name is unknown, or `out` holds another network.
        MissingExtraError: If joblib is not installed, for several jobs, or filelock for `out`.

    References:
        Novelli et al. (2019), multivariate transfer entropy, arXiv:1902.06828.
        Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x, on q-values.

    Example:
        >>> import numpy as np
        >>> x, e, f = np.random.default_rng(0).standard_normal((3, 500))
        >>> y = np.roll(x, 2) + e
        >>> found = network({"x": x, "y": y, "z": f}, max_lag=5)
        >>> [(link.source, link.lag, link.target) for link in found.significant]
        [('x', 2, 'y')]
    """
    nats_per(unit)
    count_of("jobs", jobs, least=1)
    check_rate(fdr)
    prepared = prepare(
        table,
        target=target,
        columns=columns,
        trial=trial,
        types=types,
        max_lag=max_lag,
        degree=degree,
        alpha=alpha,
        surrogates=surrogates,
        estimator=estimator,
        seed=seed,
        confidence=confidence,
        missing=missing,
        options=options,
    )
    return run(prepared, jobs=jobs, out=out, unit=unit, fdr=fdr, progress=progress)


def check_rate(fdr: float) -> None:
    """Refuse a false discovery rate that is none.

    Raises:
        OptionError: If it does not lie between 0 and 1.
    """
    if isinstance(fdr, bool) or not isinstance(fdr, (int, float)) or not 0 < fdr < 1:
        raise OptionError(f"`fdr` must lie between 0 and 1, got {fdr!r}: try 0.05.")


def run(
    prepared: Prepared,
    *,
    jobs: int = 1,
    out: str | os.PathLike[str] | None = None,
    unit: Unit = "nats",
    fdr: float = 0.05,
    progress: ProgressOption = False,
) -> Network:
    """Compute all targets of a request, those that `out` lacks; options as of `network`."""
    start = time.perf_counter()
    request = prepared.request
    folder = None if out is None else Folder(Path(out), request)
    with nullcontext() if folder is None else locked(folder.path), reporting(progress) as report:
        done = {} if folder is None else _finished(folder)
        missing = [name for name in request.targets if name not in done]
        watch = Watch(len(request.targets), report, "targets")
        watch.skip(len(done))
        for target in _results(prepared.engine, missing, jobs):
            if folder is not None:
                folder.write(target)
            done[target.name] = target
            watch.done()
        network = assembled(
            request,
            [done[name] for name in request.targets],
            unit=unit,
            fdr=fdr,
            seconds=time.perf_counter() - start,
            arguments=prepared.arguments,
        )
        if folder is not None:
            network.to_json(folder.path / NETWORK)
    return network


def _finished(folder: Folder) -> dict[str, Target]:
    return {name: folder.read(name) for name in folder.request.targets if folder.is_done(name)}


def _results(engine: Engine, names: Sequence[str], jobs: int) -> Iterator[Target]:
    """Each target, in the order in which they finish."""
    places = [engine.sheet.names.index(name) for name in names]
    if jobs == 1 or len(places) < 2:
        for place in places:
            yield engine.measure(place)
        return
    if type(engine.estimator).__module__.startswith(OWN):
        raise OptionError("`jobs` must be 1 for an estimator of your own file.")
    engine.sheet.fill_caches()
    yield from in_workers(engine.measure, [(place,) for place in places], jobs=jobs, threads=1)
