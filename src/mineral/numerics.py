"""Numerically careful versions of formulas used in more than one place."""

import math

import torch
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
