"""One thread for what is small, where several would mostly wait; changes that threads share.

Threads that share a small product of matrices end it together: each waits for the last one, which
takes a whole slice of the processor's time wherever something else runs on its core. What is long
by itself keeps all threads.

Some state belongs to the whole process: the threads of BLAS, warning filters, matplotlib's
settings. Two threads that each save and restore it restore each other's changes, so that it is
changed for good. `Shared` counts who needs the change.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from threading import Lock
from types import TracebackType
from typing import Any

import torch
from threadpoolctl import ThreadpoolController
from torch import Tensor, nn

SMALL = 1e9  # multiplications of a network at once: a few hundredths of a second


class Shared(AbstractContextManager[None]):
    """A change of the process's state, for as long as any thread needs it.

    The first thread that enters makes the change, and the last one that leaves restores what was
    there before. A thread may enter again inside.

    Args:
        change: Makes a context manager that changes the state and restores it.
    """

    def __init__(self, change: Callable[[], AbstractContextManager[Any]]) -> None:
        self._make, self._lock, self._users = change, Lock(), 0
        self._change: AbstractContextManager[Any] | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._change is None:
                change = self._make()
                change.__enter__()
                self._change = change
            self._users += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._users -= 1
            if not self._users and self._change is not None:
                change, self._change = self._change, None
                change.__exit__(None, None, None)


# Of these libraries only: a limit restores the number of every library that its controller holds,
# and that of OpenMP, which each thread has for itself, would be that of the thread that came first.
_BLAS = Shared(lambda: ThreadpoolController().select(user_api="blas").limit(limits=1))


def one_blas_thread() -> AbstractContextManager[None]:
    """NumPy and SciPy multiply with one thread inside. All threads of the process share this."""
    return _BLAS


@contextmanager
def one_torch_thread(*, when: bool = True) -> Iterator[None]:
    """Torch computes with one thread inside, if `when`, as far as this thread is concerned.

    The limit is OpenMP's, which is this thread's own: `torch.set_num_threads` would change the
    number for every thread that starts later. Where a program has called that itself, MKL keeps
    its number.
    """
    if not when:
        yield
        return
    torch.get_num_threads()  # the first call in a thread sets the number
    with _openmp().limit(limits=1):
        yield


@cache
def _openmp() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="openmp")


@contextmanager
def _ignoring_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


_QUIET = Shared(_ignoring_warnings)


def quiet() -> AbstractContextManager[None]:
    """No warnings inside. All threads of the process share this: it should not last long."""
    return _QUIET


@contextmanager
def multiplications(network: nn.Module) -> Iterator[list[int]]:
    """A list of how many multiplications each linear map and convolution takes inside.

    Example:
        >>> layer = nn.Linear(3, 5)
        >>> with multiplications(layer) as counts:
        ...     _ = layer(torch.zeros(10, 3))
        >>> counts
        [150]
    """
    counts: list[int] = []

    def count(layer: nn.Module, _: tuple[Tensor, ...], out: Tensor) -> None:
        weight = layer.weight
        assert isinstance(weight, Tensor)
        counts.append(out.numel() * weight[0].numel())

    kinds = nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d
    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, kinds)]
    try:
        yield counts
    finally:
        for hook in hooks:
            hook.remove()
