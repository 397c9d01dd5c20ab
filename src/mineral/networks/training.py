"""The one training loop, and how critics are scored on more pairs than fit in memory at once."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mineral.basics.types import Bound, JointScores, ProductScores
from mineral.critics import Baselined
from mineral.results import Curve
from mineral.stability import EarlyStopping
from mineral.system.chance import Chance
from mineral.system.threads import SMALL, multiplications, one_torch_thread

Pairs = tuple[Tensor, Tensor]  # x of shape (n, dx) and y of shape (n, dy), paired row by row
CLOSEST = 10  # steps between looks at the validation rows
SCORES = 2**14  # pairs scored at a time outside training: 4 MB for each layer of 64 units


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        steps: Gradient steps, at most.
        batch_size: Joint samples a step.
        learning_rate: Of Adam; it falls to zero along a cosine over `steps`.
        block: Joint samples whose pairs with each other are the product samples: each joint sample
            meets the y of block − 1 others.
        check_every: Steps between looks at the validation rows, at most: at first they are closer,
            because on few rows all is learned within some dozen steps.
        patience: Steps without improvement before training stops, or half as many as the best
            critic took, where these are more.
        at_first: Steps without improvement that end the training of a critic which has hardly
            begun to learn: a critic is waited for four times as long as it has learned, from
            `at_first` up to `patience`. None to wait as long from the start.
    """

    steps: int
    batch_size: int
    learning_rate: float
    block: int
    check_every: int = 50
    patience: int = 200
    at_first: int | None = None

    def next_check(self, step: int) -> int:
        """The step of the next look at the validation rows, after one at `step`."""
        apart = min(self.check_every, max(CLOSEST, step // 8))
        return min(step + apart, self.steps)

    def waits(self, best: int) -> int:
        """How many steps without improvement end the training, after the best at step `best`."""
        longest = max(self.patience, best // 2)
        return longest if self.at_first is None else max(self.at_first, min(4 * best, longest))


def score(critic: nn.Module, pairs: Pairs, block: int) -> tuple[JointScores, ProductScores]:
    """Joint scores (n,), and product scores (n, block − 1) against the others of each block.

    Rows are taken in blocks as they come, so their order must be random. n is a multiple of
    `block`.
    """
    x, y = pairs
    grid = x.view(-1, block, 1, x.shape[1]), y.view(-1, 1, block, y.shape[1])
    if isinstance(critic, Baselined):
        scores = critic.critic(*grid) - critic.baseline(x, y).view(-1, block, 1)
    else:
        scores = critic(*grid)
    joint = scores.diagonal(dim1=1, dim2=2).reshape(-1)
    # As `numerics.off_diagonal`, for every block at once.
    rest = scores.flatten(1)[:, 1:].view(len(scores), block - 1, block + 1)[..., :-1]
    return joint, rest.reshape(len(x), block - 1)


def score_all(critic: nn.Module, pairs: Pairs, block: int) -> tuple[JointScores, ProductScores]:
    """`score` for any number of rows, at least 2, without a gradient.

    What comes of `score_parts`, in one piece: n · `block` scores.
    """
    # Filled in place: many small results among large temporaries would keep these from being freed.
    joint, product, start = torch.empty(0), torch.empty(0), 0
    for part in score_parts(critic, pairs, block):
        if not start:
            joint, product = (each.new_empty(len(pairs[0]), *each.shape[1:]) for each in part)
        rows = slice(start, start + len(part[0]))
        joint[rows], product[rows] = part
        start = rows.stop
    return joint, product


def score_parts(
    critic: nn.Module, pairs: Pairs, block: int
) -> Iterator[tuple[JointScores, ProductScores]]:
    """`score` for any number of rows, at least 2, a part of them at a time, without a gradient.

    Blocks are of size `block` or a little more, to leave few rows over: these borrow partners from
    the block before, whose y then count more often than others. What the critic draws, if it draws
    anything, is the same on every call.
    """
    n = len(pairs[0])
    block = n // max(1, n // block)
    at_once = max(1, SCORES // block**2) * block
    full, chance = n - n % block, Chance(0)
    for i in range(0, full, at_once):
        rows = slice(i, min(i + at_once, full))
        with torch.no_grad(), chance:
            part = score(critic, (pairs[0][rows], pairs[1][rows]), block)
        yield part
    if full < n:
        with torch.no_grad(), chance:
            joint, product = score(critic, (pairs[0][-block:], pairs[1][-block:]), block)
        yield joint[full - n :], product[full - n :]


def train(
    critic: nn.Module,
    objective: Bound,
    training: Pairs,
    validation: Pairs,
    schedule: Schedule,
    *,
    rng: np.random.Generator,
    progress: Callable[[float], None],
    until: float = math.inf,
) -> Curve:
    """Maximize `objective` over the critic, and leave it as it was at its best validation check.

    Args:
        critic: Trained in place; returned to in evaluation mode.
        objective: (joint, product) scores to nats.
        training: Pairs to learn from.
        validation: Pairs, in random order, that decide when to stop and which critic is kept.
        schedule: How long and how fast.
        rng: Draws the batches, and the seed of what the critic draws in training.
        progress: Called with the share of the steps that is done.
        until: Of `time.monotonic()`, after which no further step is taken.
    """
    parameters = list(critic.parameters())
    optimizer = torch.optim.Adam(parameters, lr=schedule.learning_rate, fused=True)
    batches = _batches(len(training[0]), schedule, rng)
    with multiplications(critic) as counts:
        first_look = _validate(critic, objective, validation, schedule)
    a_step = sum(counts) * min(schedule.batch_size, len(training[0])) / len(validation[0])
    steps, learned, held_out = [0], [0.0], [first_look]
    best = EarlyStopping(patience=None)  # the schedule counts steps, not looks
    best.update(first_look, critic)
    since: list[Tensor] = []
    chance = Chance.of(rng)
    _set_mode(critic, objective, training=True)
    with one_torch_thread(when=a_step < SMALL):
        for step in range(1, schedule.steps + 1):
            rows = torch.from_numpy(next(batches)).to(training[0].device)
            pairs = training[0][rows], training[1][rows]
            with chance.step():
                value = objective(*score(critic, pairs, schedule.block))
            optimizer.zero_grad(set_to_none=True)
            (-value).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, 10.0)
            optimizer.step()
            optimizer.param_groups[0]["lr"] *= _decay(step, schedule.steps)
            since.append(value.detach())
            if step < schedule.next_check(steps[-1]):
                continue
            steps.append(step)
            learned.append(float(torch.stack(since).mean()))
            held_out.append(_validate(critic, objective, validation, schedule))
            _set_mode(critic, objective, training=True)
            since.clear()
            progress(step / schedule.steps)
            diverged = best.update(held_out[-1], critic)
            best_step = steps[best.best_update]
            waited = step - best_step >= schedule.waits(best_step)
            if waited or diverged or time.monotonic() > until:
                break
    best.restore(critic)
    critic.eval()
    learned[0] = held_out[0]  # before the first step, no row is different from any other
    return Curve(
        steps=tuple(steps),
        training=tuple(learned),
        validation=tuple(held_out),
        best=best.best_update,
    )


def _decay(step: int, steps: int) -> float:
    """What the rate is multiplied by after a step: a cosine that ends at 0.

    As `CosineAnnealingLR` to the bit, of which each step costs as much as Adam's.
    """
    return (1 + math.cos(math.pi * step / steps)) / (1 + math.cos(math.pi * (step - 1) / steps))


def _set_mode(critic: nn.Module, objective: Bound, *, training: bool) -> None:
    critic.train(training)
    if isinstance(objective, nn.Module):
        objective.train(training)


def _validate(critic: nn.Module, objective: Bound, pairs: Pairs, schedule: Schedule) -> float:
    _set_mode(critic, objective, training=False)
    value = float(objective(*score_all(critic, pairs, schedule.block)))
    return value if np.isfinite(value) else -np.inf


def _batches(n: int, schedule: Schedule, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Rows of each batch: random, without repetition until all have been seen."""
    size = min(schedule.batch_size, n) // schedule.block * schedule.block
    while True:
        order = rng.permutation(n)
        for start in range(0, n - size + 1, size):
            yield order[start : start + size]
