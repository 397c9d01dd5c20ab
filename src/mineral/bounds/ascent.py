"""Objectives with their gradients written out, for the scores of all pairs of each block of rows.

Training scores blocks: scores[c, k, i, j] = f_c(x_i, y_j) of critic c and of the rows i and j of
block k. The diagonal of a block is the joint, the rest of each row its product scores. With n rows
in all and m = n (b − 1) product scores,

    objective                gradient of a joint score    of a product score
    Donsker–Varadhan         1 / n                        −exp(f) / Σ exp(f)
    MINE                     1 / n                        −exp(f) / (m · moving average)
    NWJ                      1 / n                        −exp(f − 1) / m
    Jensen–Shannon           σ(−f) / n                    −σ(f) / m
    InfoNCE                  (1 − p) / n                  −p / n,   p the row's softmax

Any other objective is differentiated by autograd, with respect to the scores alone.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from mineral.basics.types import Bound, JointScores, ProductScores
from mineral.bounds.contrastive import infonce
from mineral.bounds.divergence import gan_divergence, jensen_shannon
from mineral.bounds.partition import MovingAverageDV, donsker_varadhan, nwj, shifted_nwj

Blocks = Float[Tensor, "critics blocks b b"]
Values = Float[Tensor, " critics"]


class Ascent(ABC):
    """The direction in which an objective of each of several critics rises."""

    def __init__(self) -> None:
        self._grid = _Grid(torch.empty(1, 1, 1, 1))

    def __call__(self, scores: Blocks) -> Values:
        """The objective of each critic in nats; `scores` are replaced by its gradient."""
        if scores is not self._grid.scores:  # a training loop has the same array in every step
            self._grid = _Grid(scores)
        return self.replace(self._grid)

    @abstractmethod
    def replace(self, grid: "_Grid") -> Values:
        """The objective of each critic; the scores are replaced by its gradient."""


class _Grid:
    """Scores, and views of them.

    Attributes:
        n: Joint scores of each critic.
        m: Product scores of each critic.
        joint: Shape (critics, blocks, b).
        flat: Shape (critics, n + m).
        some: One product score of each critic.
    """

    def __init__(self, scores: Blocks) -> None:
        self.scores = scores
        self.joint = scores.diagonal(dim1=2, dim2=3)
        self.flat = scores.flatten(1)
        self.some = self.flat[:, -2:-1]  # of the last row, the last but one
        self.n = self.joint[0].numel()
        self.m = self.n * (scores.shape[3] - 1)


def ascent(objectives: Sequence[Bound]) -> Ascent:
    """The gradient of one objective for each critic, in training mode.

    Args:
        objectives: One for each critic, of the same kind. `MovingAverageDV` keeps its own average.
    """
    first = objectives[0]
    if all(type(each) is MovingAverageDV and each.rate == first.rate for each in objectives):  # type: ignore[attr-defined]
        return _Partition(objectives)
    known = None if isinstance(first, nn.Module) else _KNOWN.get(first)
    if known is not None and all(each is first for each in objectives):
        return known()
    return _ByAutograd(objectives)


def block_scores(scores: Float[Tensor, "blocks b b"]) -> tuple[JointScores, ProductScores]:
    """Joint scores (n,), and product scores (n, b − 1) against the others of each block."""
    blocks, b = scores.shape[:2]
    # As `numerics.off_diagonal`, for every block at once.
    rest = scores.flatten(1)[:, 1:].view(blocks, b - 1, b + 1)[..., :-1]
    return scores.diagonal(dim1=1, dim2=2).reshape(-1), rest.reshape(blocks * b, b - 1)


class _Partition(Ascent):
    """Donsker–Varadhan, or MINE where the objectives keep a moving average."""

    def __init__(self, objectives: Sequence[Bound] = ()) -> None:
        super().__init__()
        self.averages = [each for each in objectives if isinstance(each, MovingAverageDV)]

    def replace(self, grid: _Grid) -> Values:
        joint, log_mean = _log_mean_exp(grid)
        falls = [
            average.move(newest)
            for average, newest in zip(self.averages, log_mean.tolist(), strict=bool(self.averages))
        ]
        grid.flat.mul_(-grid.flat.new_tensor(falls or [1.0])[:, None])
        grid.joint.fill_(1 / grid.n)
        return joint - log_mean


class _NWJ(Ascent):
    """NWJ of the critic f + `shift`."""

    shift = 0.0

    def replace(self, grid: _Grid) -> Values:
        joint, log_mean = _log_mean_exp(grid)
        exponent = log_mean + (self.shift - 1)
        limit = math.log(torch.finfo(exponent.dtype).max) / 2  # of `numerics.tangent_exp`
        below = exponent.clamp(max=limit)
        slope = below.exp()
        grid.flat.mul_(-slope[:, None])
        grid.joint.fill_(1 / grid.n)
        return joint + self.shift - slope * (1 + (exponent - below))


class _ShiftedNWJ(_NWJ):
    shift = 1.0


class _JensenShannon(Ascent):
    constant = 0.0

    def replace(self, grid: _Grid) -> Values:
        joint = grid.joint.neg()
        grid.joint.fill_(-math.inf)
        of_joint = softplus(joint).sum((1, 2)) / grid.n
        value = self.constant - of_joint - softplus(grid.flat).sum(1) / grid.m
        grid.flat.sigmoid_().mul_(-1 / grid.m)
        grid.joint.copy_(joint.sigmoid_().mul_(1 / grid.n))
        return value


class _GAN(_JensenShannon):
    constant = math.log(4)


class _InfoNCE(Ascent):
    def replace(self, grid: _Grid) -> Values:
        scores = grid.scores
        torch.log_softmax(scores, dim=3, out=scores)
        value = grid.joint.mean((1, 2)) + math.log(scores.shape[3])
        scores.exp_().mul_(-1 / grid.n)
        grid.joint.add_(1 / grid.n)
        return value


class _ByAutograd(Ascent):
    """Any objective, by autograd."""

    def __init__(self, objectives: Sequence[Bound]) -> None:
        super().__init__()
        self.objectives = objectives

    def replace(self, grid: _Grid) -> Values:
        leaf = grid.scores.clone().requires_grad_()
        values = torch.stack(
            [
                objective(*block_scores(each))
                for objective, each in zip(self.objectives, leaf, strict=True)
            ]
        )
        (gradient,) = torch.autograd.grad(values.sum(), leaf)
        grid.scores.copy_(gradient)
        return values.detach()


def _log_mean_exp(grid: _Grid) -> tuple[Values, Values]:
    """The mean joint score and log mean exp of the product scores, for each critic.

    Product scores are replaced by exp(f) / Σ exp(f).
    """
    joint = grid.joint.mean((1, 2))
    grid.joint.fill_(-math.inf)
    some = grid.some.clone()
    torch.log_softmax(grid.flat, dim=1, out=grid.flat)
    log_sum = some.sub_(grid.some)  # log softmax is f − log Σ exp f
    grid.flat.exp_()
    return joint, log_sum[:, 0] - math.log(grid.m)


_KNOWN: dict[Bound, Callable[[], Ascent]] = {
    donsker_varadhan: _Partition,
    nwj: _NWJ,
    shifted_nwj: _ShiftedNWJ,
    jensen_shannon: _JensenShannon,
    gan_divergence: _GAN,
    infonce: _InfoNCE,
}
