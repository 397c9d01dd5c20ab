"""One thread for what is small, where several would mostly wait for each other.

Threads that share a small product of matrices end it together: each waits for the last one, which
takes a whole slice of the processor's time wherever something else runs on its core. What is long
by itself keeps all threads.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

SMALL = 1e9  # multiplications of a network at once: a few hundredths of a second


def one_blas_thread() -> threadpool_limits:
    """NumPy and SciPy multiply with one thread inside, as far as this thread may say so."""
    return threadpool_limits(limits=1, user_api="blas")


@contextmanager
def one_torch_thread(*, when: bool = True) -> Iterator[None]:
    """Torch computes with one thread inside, if `when`."""
    before = torch.get_num_threads()
    if when:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
