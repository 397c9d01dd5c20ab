"""Critics: networks f(x, y) that score how much more likely a pair is jointly than by chance.

A critic maps x of shape (..., dx) and y of shape (..., dy) to scores of shape (...), broadcasting
over the leading axes: `critic(x[:, None], y[None, :])` is the matrix with scores[i, j] =
f(x_i, y_j). The best possible critic is the pointwise mutual information, up to the constant that
the chosen bound allows.
"""

import itertools
import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mineral.basics.numerics import off_diagonal
from mineral.basics.types import JointScores, ProductScores
from mineral.errors import InputError, OptionError


class JointCritic(nn.Module):
    """f(x, y) = net([x, y]). The most expressive; n × m pairs cost n × m network calls.

    The first layer of [x, y] is a sum of a layer of x and a layer of y: it is computed once for
    each x and each y, and only the sum for each pair.

    Args:
        dim_x: dx.
        dim_y: dy.
        hidden: Width of each hidden layer, at least one.
    """

    def __init__(self, dim_x: int, dim_y: int, *, hidden: tuple[int, ...] = (64, 64)) -> None:
        super().__init__()
        self.hidden = hidden
        self.of_x = nn.Linear(dim_x, hidden[0])
        self.of_y = nn.Linear(dim_y, hidden[0], bias=False)
        self.rest = nn.Sequential(nn.SiLU(), *mlp(*hidden, 1))

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        scores: Tensor = self.rest(self.of_x(x) + self.of_y(y)).squeeze(-1)
        return scores

    def options(self) -> dict[str, Any]:
        """What it was built with, beside dx and dy."""
        return {"hidden": self.hidden}


class SeparableCritic(nn.Module):
    """f(x, y) = g(x) · h(y). Less expressive; n × m pairs cost n + m network calls.

    Args:
        dim_x: dx.
        dim_y: dy.
        hidden: Width of each hidden layer of g and of h.
        features: Length of g(x) and h(y).
    """

    def __init__(
        self, dim_x: int, dim_y: int, *, hidden: tuple[int, ...] = (64, 64), features: int = 16
    ) -> None:
        super().__init__()
        self.hidden, self.features = hidden, features
        self.g = mlp(dim_x, *hidden, features)
        self.h = mlp(dim_y, *hidden, features)

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        return torch.einsum("...d,...d->...", self.g(x), self.h(y))

    def options(self) -> dict[str, Any]:
        """What it was built with, beside dx and dy."""
        return {"hidden": self.hidden, "features": self.features}


class BilinearCritic(nn.Module):
    """f(x, y) = x · W y, for representations that are already learned.

    Its log density ratios are those of Gaussians of fixed marginals: on raw data prefer another.

    Args:
        dim_x: dx.
        dim_y: dy.
    """

    def __init__(self, dim_x: int, dim_y: int) -> None:
        super().__init__()
        self.of_y = nn.Linear(dim_y, dim_x, bias=False)

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        return torch.einsum("...d,...d->...", x, self.of_y(y))

    def options(self) -> dict[str, Any]:
        """What it was built with, beside dx and dy."""
        return {}


class ConvolutionalCritic(nn.Module):
    """f(x, y) for images x: strided convolutions, with the code y injected into every layer.

    Each layer adds a linear map of y to its channels, so that y steers what the layer looks for;
    there is no batch normalization, which would let pairs of a batch see each other.

    Args:
        dim_x: dx = channels · height · width.
        dim_y: dy.
        shape: (channels, height, width) of an image, which x holds flattened.
        channels: Of each layer; each halves height and width.

    References:
        Belghazi et al. (2018), on stacked MNIST, arXiv:1801.04062.
    """

    def __init__(
        self,
        dim_x: int,
        dim_y: int,
        *,
        shape: tuple[int, int, int],
        channels: tuple[int, ...] = (16, 32, 64),
    ) -> None:
        super().__init__()
        if math.prod(shape) != dim_x:
            raise OptionError(f"`shape` {shape} must match the {dim_x} pixels of an image.")
        self.shape, self.channels = tuple(shape), tuple(channels)
        widths = (shape[0], *channels)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, kernel_size=5, stride=2, padding=2)
            for a, b in itertools.pairwise(widths)
        )
        self.codes = nn.ModuleList(nn.Linear(dim_y, width, bias=False) for width in channels)
        height, width = shape[1:]
        for _ in channels:
            height, width = (height + 1) // 2, (width + 1) // 2
        self.head = nn.Linear(channels[-1] * height * width, 1)

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        batch, image = tuple(x.shape[:-1]), self.shape
        pairs = np.broadcast_shapes(batch, y.shape[:-1])
        hidden = x
        for convolution, code in zip(self.convolutions, self.codes, strict=True):
            hidden = convolution(hidden.reshape(-1, *image))
            image = tuple(hidden.shape[1:])
            # Only the sum with the code is of pairs: the first layer sees each image once.
            hidden = nn.functional.elu(hidden.view(*batch, *image) + code(y)[..., None, None])
            batch = pairs
        scores: Tensor = self.head(hidden.flatten(-3)).squeeze(-1)
        return scores

    def options(self) -> dict[str, Any]:
        """What it was built with, beside dx and dy."""
        return {"shape": self.shape, "channels": self.channels}


class Concatenated(nn.Module):
    """f(x, y) = net([x, y]), for any network of your own that takes the two side by side.

    Args:
        net: Maps (..., dx + dy) to (..., 1) or (...).
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        pairs = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
        sides = [side.expand(*pairs, side.shape[-1]) for side in (x, y)]
        scores: Tensor = self.net(torch.cat(sides, dim=-1))
        return scores.reshape(pairs)


class RowCritic(nn.Module):
    """A critic of your own that takes rows, x (n, dx) and y (n, dy), made to broadcast.

    Every pair is a row of its own: n × m pairs cost n × m network calls.

    Args:
        critic: Returns scores of shape (n,) or (n, 1).
    """

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        return score_rows(self.critic, x, y)


def score_rows(
    critic: nn.Module, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
) -> Float[Tensor, "..."]:
    """Scores of all pairs, from a critic that takes rows (n, dx) and (n, dy)."""
    pairs = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
    sides = [v.expand(*pairs, v.shape[-1]).reshape(-1, v.shape[-1]) for v in (x, y)]
    scores: Tensor = critic(*sides)
    return scores.reshape(pairs)


@torch.no_grad()
def broadcasts(critic: nn.Module, x: Float[Tensor, "n dx"], y: Float[Tensor, "n dy"]) -> bool:
    """Whether a critic scores all pairs of x[:, None] and y[None]; else `score_rows` has to.

    Args:
        critic: Two rows of each side are scored in evaluation mode, if it is none of Mineral's.
        x: At least 2 rows.
        y: At least 2 rows.

    Raises:
        OptionError: If it does not score rows either.
    """
    if type(critic).__module__.startswith("mineral."):
        return True
    modes = {module: module.training for module in critic.modules()}
    critic.eval()
    try:
        x, y = x[:2], y[:2]
        try:
            if critic(x[:, None], y[None]).shape == (2, 2):
                return True
        except _UNFIT:
            pass
        try:
            scores = critic(x, y)
        except _UNFIT as error:
            reason = " ".join(str(error).split())[:200]
            raise OptionError(
                f"`critic` fails on x of shape {tuple(x.shape)} and y of shape {tuple(y.shape)} "
                f"({reason}): it must take rows of both and return a score for each."
            ) from error
        shape = getattr(scores, "shape", type(scores).__name__)
        if shape not in ((2,), (2, 1)):
            found = tuple(shape) if isinstance(shape, torch.Size) else shape
            raise OptionError(
                "`critic` must return one score for each row, shape (n,) or (n, 1): for 2 rows it "
                f"returned {found}."
            )
    finally:
        for module, mode in modes.items():
            module.training = mode
    return False


_UNFIT = (RuntimeError, TypeError, ValueError, IndexError)  # what a wrong shape raises inside


def broadcasting(critic: nn.Module, dim_x: int, dim_y: int) -> nn.Module:
    """The critic itself if it broadcasts, else as a `RowCritic`.

    Raises:
        OptionError: If it scores neither pairs nor rows.
    """
    like = next(critic.parameters(), torch.zeros(()))
    x, y = (torch.zeros(2, dim, dtype=like.dtype, device=like.device) for dim in (dim_x, dim_y))
    return critic if broadcasts(critic, x, y) else RowCritic(critic)


class MarginalCritic(nn.Module):
    """f(x, y) = net(x), which does not look at y: a baseline, not a critic of its own.

    Args:
        dim_x: dx.
        dim_y: dy, which plays no part.
        hidden: Width of each hidden layer, at least one.
    """

    def __init__(self, dim_x: int, dim_y: int, *, hidden: tuple[int, ...] = (64, 64)) -> None:
        super().__init__()
        self.hidden = hidden
        self.net = mlp(dim_x, *hidden, 1)

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        pairs = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
        scores: Tensor = self.net(x).squeeze(-1)
        return scores.expand(pairs)

    def options(self) -> dict[str, Any]:
        """What it was built with, beside dx and dy."""
        return {"hidden": self.hidden}


class Baselined(nn.Module):
    """A critic f less a log baseline log a of each pair: what TUBA, I_α and FLO train.

    In training, every score of a row has the baseline of its joint pair taken off: joint and
    product scores are f(x_i, y_i) − log a(x_i, y_i) and f(x_i, y_j) − log a(x_i, y_i). With the
    best a, which depends on x alone, f − log a is the pointwise mutual information.

    Args:
        critic: f.
        baseline: log a.
    """

    def __init__(self, critic: nn.Module, baseline: nn.Module) -> None:
        super().__init__()
        self.critic, self.baseline = critic, baseline

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        scores: Tensor = self.critic(x, y) - self.baseline(x, y)
        return scores


def mlp(*widths: int) -> nn.Sequential:
    """Linear layers of the given widths, with SiLU between them: smooth, as log densities are."""
    linear = [nn.Linear(a, b) for a, b in itertools.pairwise(widths)]
    return nn.Sequential(*[layer for first in linear for layer in (first, nn.SiLU())][:-1])


def split_scores(scores: Float[Tensor, "n n"]) -> tuple[JointScores, ProductScores]:
    """Joint and product scores from the matrix scores[i, j] = f(x_i, y_j).

    The diagonal is the joint; each row's other n − 1 entries are its product scores.

    Example:
        >>> split_scores(torch.arange(9.0).view(3, 3))
        (tensor([0., 4., 8.]), tensor([[1., 2.],
                [3., 5.],
                [6., 7.]]))

    Raises:
        InputError: If `scores` is no square matrix of at least 2 rows.
    """
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1] or len(scores) < 2:
        raise InputError(
            f"`scores` must have shape (n, n), n of at least 2, got {tuple(scores.shape)}."
        )
    return scores.diagonal(), off_diagonal(scores)
