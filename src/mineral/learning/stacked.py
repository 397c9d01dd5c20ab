"""Many critics in one batch: each with its own samples, in the same matrix products.

    x, z = padded([layer_1, layer_2, …]), …     # (count, n, ·), zeros where one has fewer columns
    found = estimate(x, z, bound="infonce")     # one value for each of the count

A critic of a low-dimensional variable is a small network, and small networks do not use a processor
fully: `count` of them in parallel cost little more than one. No critic uses the samples of another,
and as Adam steps each weight by its own gradient, training on the sum of the losses is the same as
separate training.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu

from mineral import bounds
from mineral.basics.numerics import off_diagonal
from mineral.errors import InputError, OptionError
from mineral.system.chance import Chance, learning

Stack: TypeAlias = Float[Tensor, "_ _ _"]  # critics, rows, columns


class StackedLinear(nn.Module):
    """`count` linear layers: (count, n, a) to (count, n, b).

    Args:
        count: Layers in parallel.
        dim_in: a.
        dim_out: b.
        bias: Whether there is a bias.
    """

    def __init__(self, count: int, dim_in: int, dim_out: int, *, bias: bool = True) -> None:
        super().__init__()
        scale = 1 / math.sqrt(dim_in)  # as torch.nn.Linear
        self.weight = nn.Parameter(torch.empty(count, dim_in, dim_out).uniform_(-scale, scale))
        self.bias = (
            nn.Parameter(torch.empty(count, 1, dim_out).uniform_(-scale, scale)) if bias else None
        )

    def forward(self, values: Stack) -> Stack:
        product = torch.bmm(values, self.weight)
        return product if self.bias is None else product + self.bias

    def load(self, i: int, layer: nn.Linear) -> None:
        """Set the i-th layer to this one; if its input has fewer columns, the rest are zeros."""
        with torch.no_grad():
            self.weight[i].zero_()
            self.weight[i, : layer.in_features] = layer.weight.T
            if self.bias is not None:
                self.bias[i] = 0 if layer.bias is None else layer.bias


class StackedMLP(nn.Module):
    """`count` networks of linear layers with SiLU between them."""

    def __init__(self, count: int, *widths: int) -> None:
        super().__init__()
        self.linear = nn.ModuleList(
            StackedLinear(count, a, b) for a, b in itertools.pairwise(widths)
        )

    def forward(self, values: Stack) -> Stack:
        for i, layer in enumerate(self.linear):
            values = layer(silu(values) if i else values)
        return values


class StackedJoint(nn.Module):
    """`count` critics f(x, z) = net([x, z]): parallel `JointCritic`.

    Args:
        count: Critics.
        dim_x: dx.
        dim_z: dz.
        hidden: Width of each hidden layer, at least one.
    """

    def __init__(
        self, count: int, dim_x: int, dim_z: int, *, hidden: tuple[int, ...] = (64, 64)
    ) -> None:
        super().__init__()
        self.of_x = StackedLinear(count, dim_x, hidden[0])
        self.of_z = StackedLinear(count, dim_z, hidden[0], bias=False)
        self.rest = StackedMLP(count, *hidden, 1)

    def forward(
        self, x: Float[Tensor, "count n dx"], z: Float[Tensor, "count m dz"]
    ) -> Float[Tensor, "count n m"]:
        """scores[c, i, j] = f_c(x_i, z_j)."""
        pairs = self.of_x(x)[:, :, None] + self.of_z(z)[:, None]
        scores: Tensor = self.rest(silu(pairs).flatten(1, 2))
        return scores.view(pairs.shape[:3])


class StackedSeparable(nn.Module):
    """`count` critics f(x, z) = g(x) · h(z): parallel `SeparableCritic`.

    If z is a function of x plus Gaussian noise, pmi(x, z) has this form, up to c(z).

    Args:
        count: Critics.
        dim_x: dx.
        dim_z: dz.
        hidden: Width of each hidden layer of g and of h.
        features: Length of g(x) and h(z).
    """

    def __init__(
        self,
        count: int,
        dim_x: int,
        dim_z: int,
        *,
        hidden: tuple[int, ...] = (64, 64),
        features: int = 16,
    ) -> None:
        super().__init__()
        self.g = StackedMLP(count, dim_x, *hidden, features)
        self.h = StackedMLP(count, dim_z, *hidden, features)

    def forward(
        self, x: Float[Tensor, "count n dx"], z: Float[Tensor, "count m dz"]
    ) -> Float[Tensor, "count n m"]:
        """scores[c, i, j] = f_c(x_i, z_j)."""
        return torch.bmm(self.g(x), self.h(z).transpose(1, 2))


@dataclass(frozen=True, kw_only=True)
class Stacked:
    """The result of `estimate`, one number for each data set.

    Attributes:
        values: The bound in nats, on test rows.
        best_steps: The step after which each critic was kept.
        ceiling: The maximum of the bound with this number of rows: log(product samples + 1).
    """

    values: Float[np.ndarray, " count"]
    best_steps: np.ndarray
    ceiling: float


def padded(samples: Sequence[Tensor]) -> Stack:
    """One tensor of samples with as many rows each, with zero columns where one has fewer.

    Raises:
        InputError: If there are none, or rows differ.
    """
    if not samples or len({len(each) for each in samples}) != 1:
        raise InputError("`samples` must be one or more matrices with the same number of rows.")
    widest = max(each.shape[1] for each in samples)
    return torch.stack([nn.functional.pad(each, (0, widest - each.shape[1])) for each in samples])


def scored(critic: nn.Module, x: Stack, z: Stack) -> tuple[Tensor, Tensor]:
    """Joint scores (count, n), and product scores (count, n, n − 1) with the others' z."""
    scores = critic(x, z)
    joint = scores.diagonal(dim1=1, dim2=2)
    return joint, torch.vmap(off_diagonal)(scores)


def estimate(
    x: Stack,
    z: Stack,
    *,
    bound: str = "infonce",
    critic: Callable[[int, int, int], nn.Module] = StackedSeparable,
    steps: int = 1000,
    batch_size: int = 256,
    learning_rate: float = 2e-3,
    check_every: int = 50,
    held_out_block: int = 512,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _: None,
) -> Stacked:
    """A lower bound on I(X; Z) for each of many data sets, trained in parallel.

    Of each data set's rows, 60 % train, 20 % select the step whose critic is kept, separately for
    each, and the bound is computed on the other 20 %. Rows must be in random order: the split is
    the same for all.

    Args:
        x: Shape (count, n, dx), or (1, n, dx) if it is the same for all.
        z: Shape (count, n, dz); see `padded`.
        bound: Of `bounds.BOUNDS`: "infonce", "dv", "nwj", "js", …
        critic: Builds it from (count, dx, dz).
        steps: Of Adam, whose rate falls to zero along a cosine.
        batch_size: Rows a step; the product samples of each are the z of all others.
        learning_rate: Of Adam.
        check_every: Steps between evaluations of the validation rows.
        held_out_block: Rows compared with each other outside training.
        seed: Of weights and batches.
        progress: Called with the share of the steps that is done.

    Raises:
        InputError: If shapes do not match, or there are fewer than 20 rows.
        OptionError: If the bound is unknown, keeps a state, or takes more than scores.
    """
    count, n = z.shape[:2]
    if x.shape[1] != n or x.shape[0] not in (1, count) or n < 20:
        raise InputError(
            f"`x` and `z` must be (count, n, ·) with the same 20 or more rows: got "
            f"{tuple(x.shape)} and {tuple(z.shape)}."
        )
    entry = bounds.BOUNDS.get(bound)
    if (
        entry is None
        or entry.objective is None
        or entry.takes != ("joint", "product")
        or isinstance(entry.objective, nn.Module)
    ):
        raise OptionError(f"`bound` must be one of scores alone, such as 'infonce', got {bound!r}.")
    objective, value = torch.vmap(entry.objective), torch.vmap(entry.value)
    rng = np.random.default_rng(seed)
    of_training, of_validation, of_test = np.split(rng.permutation(n), [3 * n // 5, 4 * n // 5])
    standard_x, standard_z = _standardized(x, of_training), _standardized(z, of_training)

    def rows(chosen: np.ndarray) -> tuple[Stack, Stack]:
        index = torch.from_numpy(chosen).to(z.device)
        return standard_x[:, index].expand(count, -1, -1), standard_z[:, index]

    chance = Chance(seed)
    with learning():
        with chance:
            network = critic(count, x.shape[2], z.shape[2]).to(z.device)
        best = torch.full((count,), -torch.inf, device=z.device, dtype=torch.float64)
        best_steps = torch.zeros(count, dtype=torch.long, device=z.device)
        kept = [parameter.detach().clone() for parameter in network.parameters()]
        optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for step in range(1, steps + 1):
            size = min(batch_size, len(of_training))
            chosen = rows(rng.choice(of_training, size, replace=False))
            with chance.step():
                each = objective(*scored(network, *chosen))
            optimizer.zero_grad(set_to_none=True)
            (-each.sum()).backward()  # type: ignore[no-untyped-call]
            _clip(network, 10.0)
            optimizer.step()
            schedule.step()
            if step % check_every and step < steps:
                continue
            found = _held_out(network, objective, *rows(of_validation), held_out_block)
            better = found > best
            best, best_steps = torch.where(better, found, best), best_steps.where(~better, step)
            for old, new in zip(kept, network.parameters(), strict=True):
                old[better] = new.detach()[better]
            progress(step / steps)
        with torch.no_grad():
            for parameter, best_values in zip(network.parameters(), kept, strict=True):
                parameter.copy_(best_values)
    values = _held_out(network, value, *rows(of_test), held_out_block)
    return Stacked(
        values=values.cpu().numpy(),
        best_steps=best_steps.cpu().numpy(),
        ceiling=math.log(min(held_out_block, len(of_test))),
    )


def _standardized(samples: Stack, rows: np.ndarray) -> Stack:
    """Mean 0 and standard deviation 1 on those rows; a constant column stays at 0."""
    chosen = samples[:, torch.from_numpy(rows).to(samples.device)]
    spread = chosen.std(1, keepdim=True)
    centred = samples - chosen.mean(1, keepdim=True)
    return centred / torch.where(spread > 1e-12, spread, torch.ones_like(spread))


def _clip(network: nn.Module, largest: float) -> None:
    """Clip each critic's gradient separately to the norm `largest`."""
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    squares = torch.stack([g.flatten(1).square().sum(1) for g in gradients])
    scale = (largest / squares.sum(0).sqrt().clamp(min=1e-12)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.ndim - 1)))


@torch.no_grad()
def _held_out(
    network: nn.Module, function: Callable[..., Tensor], x: Stack, z: Stack, block: int
) -> Tensor:
    """The mean over blocks of rows; −∞ where it is not finite."""
    block = min(block, x.shape[1])
    parts = zip(x.split(block, 1), z.split(block, 1), strict=True)  # type: ignore[no-untyped-call]
    whole = [pair for pair in parts if pair[0].shape[1] == block]
    with Chance(0):
        found = torch.stack([function(*scored(network, *pair)).double() for pair in whole]).mean(0)
    return torch.where(found.isfinite(), found, -torch.inf)
