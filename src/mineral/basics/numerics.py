"""Numerically careful versions of formulas used in more than one place."""

import math

import torch
from jaxtyping import Shaped
from torch import Tensor


def logmeanexp(values: Tensor, dim: int | None = None) -> Tensor:
    """log mean exp(values), over one axis or over all, without overflow.

    Example:
        >>> logmeanexp(torch.tensor([1e4, 1e4]))
        tensor(10000.)
    """
    if dim is None:
        values, dim = values.flatten(), 0
    return torch.logsumexp(values, dim) - math.log(values.shape[dim])


def leave_one_out_logmeanexp(values: Tensor, dim: int) -> Tensor:
    """log mean exp of the others: entry i is taken over all entries of the axis but the i-th.

    Finite wherever the answer is, however far one entry outweighs all others.

    Example:
        >>> leave_one_out_logmeanexp(torch.tensor([0.0, 0.0, 1e4]), dim=0)
        tensor([9999.3066, 9999.3066,    0.0000])
    """
    largest = values.argmax(dim, keepdim=True)
    is_largest = torch.zeros_like(values, dtype=torch.bool).scatter_(dim, largest, value=True)
    top, rest = values.gather(dim, largest), values.masked_fill(is_largest, -math.inf)
    # Taking a term off a sum is safe if the largest stays; the largest leaves the sum of the rest.
    share = (rest - top).exp()
    with_top = top + torch.log1p(share.sum(dim, keepdim=True) - share)
    without_top = torch.logsumexp(rest, dim, keepdim=True)
    return torch.where(is_largest, without_top, with_top) - math.log(values.shape[dim] - 1)


def tangent_exp(values: Tensor) -> Tensor:
    """exp(v) up to a limit L, and its tangent at L, exp(L) (1 + v − L), beyond.

    L is half the logarithm of the largest float of the dtype: 44.4 in float32, 354.9 in float64.
    So value and gradient are finite for |v| up to exp(L) = 1.8e19, or 1.3e154. The function is
    smooth to first order, increasing and convex. It lies below exp, and above 1 + v everywhere.

    Example:
        >>> tangent_exp(torch.tensor([0.0, 1.0, 1e4]))
        tensor([1.0000e+00, 2.7183e+00, 1.8367e+23])
    """
    limit = math.log(torch.finfo(values.dtype).max) / 2
    below = values.clamp(max=limit)
    return below.exp() * (1 + (values - below))


def off_diagonal(matrix: Shaped[Tensor, "n n"]) -> Shaped[Tensor, "n n-1"]:
    """Each row without its diagonal entry.

    Example:
        >>> off_diagonal(torch.arange(9.0).view(3, 3))
        tensor([[1., 2.],
                [3., 5.],
                [6., 7.]])
    """
    n = len(matrix)
    # A diagonal entry comes every n + 1 entries: cut before each, and drop it.
    return matrix.reshape(-1)[1:].view(n - 1, n + 1)[:, :-1].reshape(n, n - 1)
