"""Calls of a function in several processes, threads or machines, by joblib: the only place for it.

    for result in in_workers(measure, [(chunk,) for chunk in chunks], jobs=4, threads=1):
        ...                                  # in the order in which calls finish

The processes are new ones: no state of this one reaches them.
"""

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from types import ModuleType
from typing import Any, TypeVar

from mineral.errors import MissingExtraError, OptionError

T = TypeVar("T")
AT_A_TIME = 4  # calls for each worker, where a backend returns all results at once


def joblib(user: str = "More than one job") -> ModuleType:
    """Joblib.

    Args:
        user: What needs it, for the message.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        import joblib as library
    except ImportError:
        raise MissingExtraError(user, "benchmark") from None
    module: ModuleType = library
    return module


def in_workers(
    function: Callable[..., T],
    arguments: Iterable[tuple[Any, ...]],
    *,
    jobs: int | None,
    threads: int | None = None,
    backend: str = "loky",
    options: Mapping[str, Any] | None = None,
) -> Iterator[T]:
    """The results of calls of a function, in the order in which they finish.

    A call that fails ends all of them, and its error is raised.

    Args:
        function: Is sent to the workers.
        arguments: Of each call.
        jobs: Workers; None for those that the backend has.
        threads: Of each process; None for its share of the cores, or the number that a variable
            such as OMP_NUM_THREADS sets. Of `"loky"` only.
        backend: `"loky"` for processes, `"threading"`, `"dask"`, or one that was registered.
        options: Of `joblib.parallel_config`.

    Raises:
        MissingExtraError: If joblib is not installed.
        OptionError: If the backend cannot be used.
    """
    library = joblib()
    is_loky = backend == "loky"
    inner = {} if threads is None else {"inner_max_num_threads": threads}
    with warnings.catch_warnings() if is_loky else nullcontext():
        if is_loky:  # replaces a process that has grown, and warns that it does
            warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
        pool, is_streaming = _pool(library, backend, n_jobs=jobs, **inner, **options or {})
        calls = (library.delayed(function)(*each) for each in arguments)
        if is_streaming:
            yield from pool(calls)
            return
        while some := list(itertools.islice(calls, AT_A_TIME * (jobs or 1))):
            yield from pool(some)


def _pool(library: Any, backend: str, **options: Any) -> tuple[Any, bool]:  # noqa: ANN401
    """Workers, and whether they return each result as soon as it is there."""
    try:
        with library.parallel_config(backend, **options):
            return library.Parallel(batch_size=1, return_as="generator_unordered"), True
    except (ValueError, ImportError) as error:
        if "return_as" not in str(error):
            raise OptionError(f"`backend` {backend!r} cannot be used: {error}") from None
    with library.parallel_config(backend, **options):  # as Ray's
        return library.Parallel(batch_size=1), False
