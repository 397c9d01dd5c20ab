"""Zeros that carry the gradient of information: the surrogates of MIGE."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mineral.basics.types import Nats
from mineral.errors import InputError, InputTypeError, OptionError
from mineral.gradients.stein import DEPENDENT, SSGE, Rows, ScoreEstimator, check, constant


@dataclass(frozen=True, kw_only=True)
class RandomProjection:
    """x ↦ x R / √dim with R of independent standard normals: distances are nearly preserved.

    It brings x of thousands of coordinates down to what a batch can fill, before the joint score.
    What is then followed is I(RX; Z), which is at most I(X; Z).

    Args:
        dim: Dimensions to project to; an x of no more is left as it is.
        seed: Fixes R. Another seed for each step averages over projections.

    References:
        Wen et al. (2020), arXiv:2005.01123.
    """

    dim: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dim < 1:
            raise OptionError(f"`dim` must be at least 1, got {self.dim}.")

    def __call__(self, x: Rows) -> Float[Tensor, "n projected"]:
        """The projection of each row."""
        if x.shape[1] <= self.dim:
            return x
        generator = torch.Generator().manual_seed(self.seed)
        matrix = torch.randn(x.shape[1], self.dim, generator=generator, dtype=torch.float64)
        return x @ (matrix / math.sqrt(self.dim)).to(x)


DEFAULT = SSGE()


def information_gradient(
    x: Tensor,
    z: Tensor,
    *,
    score: ScoreEstimator = DEFAULT,
    projection: RandomProjection | None = None,
) -> Nats:
    """Zero, with the gradient of I(X; Z): mean[(∇_z log q(x, z) − ∇_z log q(z)) · z].

    The score functions are held fixed. Subtract it from a loss to raise the information that the
    representation holds, add it to lower it. **The value is no estimate of I(X; Z)**: it is 0
    whatever the samples are. If x carries a gradient too (two encoders), its part is included.

    The encoder must be stochastic, z = e(x, noise): a deterministic one of a continuous x has
    infinite I(X; Z), and a joint density that does not exist. There, maximize `entropy_gradient`:
    I(X; Z) = H(Z) + const. Where q(z | x) is known, as in a Gaussian encoder, only q(z) needs to be
    estimated: `entropy_gradient(z) - conditional_entropy` is better than this function.

    Args:
        x: Shape (n,) or (n, ...), of any real dtype. Classes as one-hot rows.
        z: Shape (n,) or (n, dz), made from x row by row.
        score: Estimates both score functions.
        projection: Applied to x, if it has more dimensions than the batch can fill.

    Example:
        >>> x, noise = torch.randn(2, 256, 8, generator=torch.Generator().manual_seed(0))
        >>> rho = torch.tensor(0.5, requires_grad=True)
        >>> surrogate = information_gradient(x, rho * x + (1 - rho**2).sqrt() * noise)
        >>> surrogate.item()
        0.0
        >>> surrogate.backward()
        >>> rho.grad  # truth: 8 ρ / (1 − ρ²) = 5.33
        tensor(5.8335)

    Raises:
        InputError: If rows do not match, are too few or not finite; if nothing carries a gradient;
            or if z is a linear function of x.
        InputTypeError: If z is not of floats.

    References:
        Wen et al. (2020), arXiv:2005.01123.
    """
    z = _as_rows(z)
    check("z", z)
    x = _as_rows(x, "x")
    x = x if x.is_floating_point() else x.to(z.dtype)
    check("x", x)
    if len(x) != len(z):
        raise InputError(
            f"`x` and `z` must have the same number of rows: got {len(x)} and {len(z)}."
        )
    _refuse_without_gradient(x, z)
    x = _independent(x if projection is None else projection(x))
    both = torch.cat([x.detach().double(), z.detach().double()], dim=1)
    joint = score.score(both)
    surrogate = _along(joint[:, x.shape[1] :] - score.score(z.detach().double()), z)
    if x.requires_grad:
        of_x = joint[:, : x.shape[1]] - score.score(x.detach().double())
        surrogate = surrogate + _along(of_x, x)
    return surrogate - surrogate.detach()


def entropy_gradient(z: Tensor, *, score: ScoreEstimator = DEFAULT) -> Nats:
    """Zero, with the gradient of the differential entropy H(Z): −mean[∇ log q(z) · z].

    The score function is held fixed. Subtract it from a loss to spread the representation, as
    InfoMax does with a deterministic encoder. **The value is no estimate of H(Z).**

    H(Z) grows without limit as z is scaled up: bound z, or standardize it inside the encoder.

    Args:
        z: Shape (n,) or (n, dz).
        score: Estimates the score function.

    Example:
        >>> noise = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
        >>> scale = torch.tensor(2.0, requires_grad=True)
        >>> entropy_gradient(scale * noise).backward()
        >>> scale.grad  # truth: 8 / scale
        tensor(4.)

    Raises:
        InputError: If rows are too few or not finite, or z carries no gradient.
        InputTypeError: If z is not of floats.

    References:
        Wen et al. (2020), arXiv:2005.01123.
    """
    z = _as_rows(z)
    check("z", z)
    _refuse_without_gradient(z)
    surrogate = -_along(score.score(z.detach().double()), z)
    return surrogate - surrogate.detach()


def _independent(x: Rows) -> Float[Tensor, "n independent"]:
    """x in as many coordinates as it has dimensions: dark pixels, or one of a one-hot row, go.

    The score with respect to z is the same in every linear coordinate system of x.
    """
    x = x[:, ~constant(x)]
    if not x.shape[1]:
        raise InputError("`x` is constant: its mutual information is 0.")
    if len(x) <= x.shape[1]:
        return x  # no batch can fill it: SSGE says so, or copes
    standard = x.detach().double()
    mean, spread = standard.mean(0), standard.std(0, correction=0)
    _, values, vectors = torch.linalg.svd((standard - mean) / spread, full_matrices=False)
    real = values**2 > 100 * DEPENDENT * (values**2).sum()
    return x if bool(real.all()) else ((x.double() - mean) / spread) @ vectors[real].T


def _along(scores: Rows, values: Rows) -> Tensor:
    """mean_i of score_i · value_i, whose gradient flows through the values only."""
    return (scores.to(values) * values).sum(1).mean()


def _as_rows(values: Tensor, name: str = "z") -> Tensor:
    if not isinstance(values, Tensor) or values.is_sparse or values.is_meta:
        raise InputTypeError(f"`{name}` must be a dense tensor, got {type(values).__name__}.")
    return values.flatten(1) if values.ndim > 1 else values[:, None] if values.ndim else values


def _refuse_without_gradient(*tensors: Tensor) -> None:
    if not any(tensor.requires_grad for tensor in tensors):
        raise InputError(
            "`z` carries no gradient: pass the encoder's output itself, neither detached nor made "
            "under torch.no_grad()."
        )
