"""Learning from fresh samples without end: every batch is held out until the step it teaches.

The studies of the literature draw new pairs at each step, so that the scores of a batch, taken
before the network learns from it, are those of a network that was not trained on it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from mineral.basics.types import Bound, JointScores, ProductScores
from mineral.methods.neural.critics import Neural
from mineral.networks.densities import DensityRatio, LogLikelihood
from mineral.networks.scoring import Pairs, score
from mineral.tasks import Task

AT_ONCE = 2**20  # numbers drawn at a time


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A network, and what it learns by.

    Attributes:
        network: Whose scores the objective takes.
        objective: (joint, product) scores to what is maximized.
        critic: Whose scores are read: the network itself, or the density ratio in it.
        block: Pairs that are compared with each other.
    """

    network: nn.Module
    objective: Bound
    critic: nn.Module
    block: int


def of_bound(
    method: Neural, dim_x: int, dim_y: int, *, block: int, device: torch.device
) -> Learner:
    """The network and the objective of one of our estimators."""
    network, objective = method.network(dim_x, dim_y).to(device), method.objective()
    if isinstance(objective, nn.Module):
        objective.to(device)
    return Learner(network=network, objective=objective, critic=network, block=block)


def of_densities(ratio: DensityRatio, device: torch.device) -> Learner:
    """Two densities that learn by likelihood; their log ratio is read."""
    network = LogLikelihood(ratio).to(device)
    return Learner(network=network, objective=_mean_joint, critic=ratio, block=1)


def _mean_joint(joint: JointScores, _product: ProductScores) -> torch.Tensor:
    return joint.mean()


def batches(
    task: Task, size: int, count: int, rng: np.random.Generator, device: torch.device
) -> Iterator[Pairs]:
    """`count` times `size` fresh pairs of a task, in float32."""
    at_once = max(1, AT_ONCE // (size * (task.dim_x + task.dim_y)))
    for done in range(0, count, at_once):
        drawn = task.sampler(min(at_once, count - done) * size, rng)
        x, y = (
            torch.from_numpy(side).to(device, torch.float32).view(-1, size, side.shape[1])
            for side in (drawn.x, drawn.y)
        )
        yield from zip(x, y, strict=True)


def learning(
    learner: Learner,
    pairs: Iterable[Pairs],
    optimizer: torch.optim.Optimizer,
    *,
    decay: torch.optim.lr_scheduler.LRScheduler | None = None,
    largest: float | None = None,
) -> Iterator[tuple[JointScores, ProductScores]]:
    """Take a step on each batch, and give the scores that it had before.

    Args:
        learner: Trained in place.
        pairs: Batches, each a multiple of the learner's block.
        optimizer: Of the network's parameters.
        decay: Of the learning rate, if any.
        largest: Norm to which gradients are clipped, if at all.
    """
    for batch in pairs:
        scores = score(learner.network, batch, learner.block)
        if learner.critic is learner.network:
            read = scores[0].detach(), scores[1].detach()
        else:
            with torch.no_grad():
                read = score(learner.critic, batch, learner.block)
        yield read
        optimizer.zero_grad(set_to_none=True)
        (-learner.objective(*scores)).backward()  # type: ignore[no-untyped-call]
        if largest is not None:
            nn.utils.clip_grad_norm_(learner.network.parameters(), largest)
        optimizer.step()
        if decay is not None:
            decay.step()
