"""The one training loop, and how critics are scored on more pairs than fit in memory at once."""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mineral.basics.types import Bound, JointScores, ProductScores
from mineral.bounds.ascent import ascent, block_scores
from mineral.critics import Baselined, SeparableCritic
from mineral.networks.direct import Direct, direct, draws_nothing, is_direct
from mineral.results import Curve
from mineral.stability import EarlyStopping
from mineral.system.chance import Chance
from mineral.system.threads import SMALL, multiplications, one_torch_thread

Pairs = tuple[Tensor, Tensor]  # x of shape (n, dx) and y of shape (n, dy), paired row by row
ALL = slice(None)
CLOSEST = 10  # steps between looks at the validation rows
LONGEST = 10.0  # of a gradient: one exploding batch would hold back Adam for the next hundreds
# Pairs scored at a time outside training: 512 kB for each layer of 64 units, which a cache holds.
# 2**14 take 1.4 times as long.
SCORES = 2**11
SCORES_OF_TWO = 2**20  # the same where x and y have a network each: 4 MB of scores alone


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
    return block_scores(_grid(critic, x.view(-1, block, x.shape[1]), y.view(-1, block, y.shape[1])))


def _grid(critic: nn.Module, x: Tensor, y: Tensor, rows: slice = ALL) -> Tensor:
    """scores[k, i, j] of x (blocks, b, dx) and y (blocks, b, dy), for these rows i of a block."""
    few = x[:, rows]
    grid = few[:, :, None], y[:, None]
    if not isinstance(critic, Baselined):
        scores: Tensor = critic(*grid)
        return scores
    baseline = critic.baseline(few.flatten(0, 1), y[:, rows].flatten(0, 1))
    less: Tensor = critic.critic(*grid) - baseline.view(*few.shape[:2], 1)
    return less


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
    separable = isinstance(critic, SeparableCritic)
    at_once = max(1, (SCORES_OF_TWO if separable else SCORES) // block**2) * block
    rows = block if separable else max(1, min(block, SCORES // block))
    full = n - n % block
    for start in range(0, full, at_once):
        part = [side[start : min(start + at_once, full)] for side in pairs]
        yield block_scores(_scored(critic, part, block, rows))
    if full < n:
        joint, product = block_scores(
            _scored(critic, [side[-block:] for side in pairs], block, rows)
        )
        yield joint[full - n :], product[full - n :]


@torch.no_grad()
def _scored(critic: nn.Module, part: Sequence[Tensor], block: int, rows: int) -> Tensor:
    """`_grid` of all rows, a few rows of each block at a time."""
    x, y = (side.view(-1, block, side.shape[1]) for side in part)
    # `Chance` costs ten microseconds an operation: a third of a look at the validation rows.
    with nullcontext() if draws_nothing(critic) else Chance(0):
        if rows >= block:
            return _grid(critic, x, y)
        starts = range(0, block, rows)
        return torch.cat([_grid(critic, x, y, slice(i, i + rows)) for i in starts], 1)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A critic to train.

    Attributes:
        critic: Trained in place; returned to in evaluation mode.
        objective: (joint, product) scores to nats.
        training: Pairs to learn from.
        validation: Pairs, in random order, that decide when to stop and which critic is kept.
        rng: Draws the batches, and the seed of what the critic draws in training.
    """

    critic: nn.Module
    objective: Bound
    training: Pairs
    validation: Pairs
    rng: np.random.Generator


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
        critic: As those of `Job`, and the other arguments before `schedule`, too.
        objective: (joint, product) scores to nats.
        training: Pairs to learn from.
        validation: Pairs, in random order, that decide when to stop and which critic is kept.
        schedule: How long and how fast.
        rng: Draws the batches, and the seed of what the critic draws in training.
        progress: Called with the share of the steps that is done.
        until: Of `time.monotonic()`, after which no further step is taken.
    """
    job = Job(critic=critic, objective=objective, training=training, validation=validation, rng=rng)
    return train_together([job], schedule, progress=progress, until=until)[0]


def train_together(
    jobs: Sequence[Job],
    schedule: Schedule,
    *,
    progress: Callable[[float], None],
    until: float = math.inf,
) -> list[Curve]:
    """Maximize each job's objective, as `train` does, all in the same steps.

    Args:
        jobs: Of equal critics, with as many rows in a batch, if there are several.
        schedule: How long and how fast.
        progress: Called with the share of the steps that is done.
        until: Of `time.monotonic()`, after which no further step is taken.
    """
    courses = [_Course(job, schedule) for job in jobs]
    running, learner = courses, _learner(courses, schedule)
    rate = schedule.learning_rate
    since: list[Tensor] = []
    with one_torch_thread(when=max(course.a_step for course in courses) < SMALL):
        for step in range(1, schedule.steps + 1):
            since.append(learner.step(rate))
            rate *= _decay(step, schedule.steps)
            if step < schedule.next_check(running[0].steps[-1]):
                continue
            learned = torch.stack(since).mean(0).tolist()
            since.clear()
            ended = [c.look(step, value) for c, value in zip(running, learned, strict=True)]
            progress(step / schedule.steps)
            if all(ended) or time.monotonic() > until:
                break
            if any(ended):
                places = [i for i, end in enumerate(ended) if not end]
                running = [running[i] for i in places]
                learner = learner.keep(places)
    learner.release()
    return [course.end() for course in courses]


class _Course:
    """A job under way: its batches, its looks at the validation rows, and its best critic."""

    def __init__(self, job: Job, schedule: Schedule) -> None:
        self.job, self.schedule = job, schedule
        self.batches = _batches(len(job.training[0]), schedule, job.rng)
        with multiplications(job.critic) as counts:
            first_look = self._validate()
        batch = min(schedule.batch_size, len(job.training[0]))
        self.a_step = sum(counts) * batch / len(job.validation[0])
        self.steps, self.learned, self.held_out = [0], [0.0], [first_look]
        self.best = EarlyStopping(patience=None)  # the schedule counts steps, not looks
        self.best.update(first_look, job.critic)
        self.chance = Chance.of(job.rng)
        _set_mode(job.critic, job.objective, training=True)

    def look(self, step: int, learned: float) -> bool:
        """Evaluate the validation rows; True if it is time to stop."""
        self.steps.append(step)
        self.learned.append(learned)
        self.held_out.append(self._validate())
        _set_mode(self.job.critic, self.job.objective, training=True)
        diverged = self.best.update(self.held_out[-1], self.job.critic)
        best_step = self.steps[self.best.best_update]
        return diverged or step - best_step >= self.schedule.waits(best_step)

    def end(self) -> Curve:
        """Return to the best critic."""
        self.best.restore(self.job.critic)
        self.job.critic.eval()
        self.learned[0] = self.held_out[0]  # before the first step, no row differs from others
        return Curve(
            steps=tuple(self.steps),
            training=tuple(self.learned),
            validation=tuple(self.held_out),
            best=self.best.best_update,
        )

    def _validate(self) -> float:
        job = self.job
        _set_mode(job.critic, job.objective, training=False)
        value = float(job.objective(*score_all(job.critic, job.validation, self.schedule.block)))
        return value if np.isfinite(value) else -np.inf


class _Learner(ABC):
    """Takes the steps of one critic or several."""

    @abstractmethod
    def step(self, rate: float) -> Tensor:
        """A step of Adam on the next batch of each; the objective of each before the step."""

    def keep(self, places: Sequence[int]) -> "_Learner":
        """The same for the critics at these places only, of several."""
        raise NotImplementedError

    def release(self) -> None:  # noqa: B027
        """Leave the critics to their owner."""


def _learner(courses: Sequence[_Course], schedule: Schedule) -> _Learner:
    dims = (side.shape[1] for side in courses[0].job.training)
    if len(courses) > 1 or is_direct(courses[0].job.critic, *dims):
        return _Direct(courses, schedule)
    return _Autograd(courses[0], schedule)


class _Autograd(_Learner):
    """Steps of any critic."""

    def __init__(self, course: _Course, schedule: Schedule) -> None:
        self.course, self.block = course, schedule.block
        self.parameters = list(course.job.critic.parameters())
        self.optimizer = torch.optim.Adam(self.parameters, lr=schedule.learning_rate, fused=True)

    def step(self, rate: float) -> Tensor:
        course, job = self.course, self.course.job
        rows = torch.from_numpy(next(course.batches)).to(job.training[0].device)
        pairs = job.training[0][rows], job.training[1][rows]
        with course.chance.step():
            value = job.objective(*score(job.critic, pairs, self.block))
        self.optimizer.zero_grad(set_to_none=True)
        (-value).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.parameters, LONGEST)
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.step()
        return value.detach()[None]


class _Direct(_Learner):
    """Steps of equal critics whose gradients are written out, all at once."""

    def __init__(
        self, courses: Sequence[_Course], schedule: Schedule, critics: Direct | None = None
    ) -> None:
        self.courses, self.schedule = courses, schedule
        size = _batch_size(len(courses[0].job.training[0]), schedule)
        self.pairs = [
            side.new_empty(len(courses), size, side.shape[1]) for side in courses[0].job.training
        ]
        self.critics = critics or direct(
            [course.job.critic for course in courses],
            size,
            schedule.block,
            self.pairs[0].shape[2],
        )
        self.ascent = ascent([course.job.objective for course in courses])

    def step(self, rate: float) -> Tensor:
        for i, course in enumerate(self.courses):
            rows = torch.from_numpy(next(course.batches))
            for side, batch in zip(course.job.training, self.pairs, strict=True):
                torch.index_select(side, 0, rows, out=batch[i])
        scores = self.critics.scores(*self.pairs)
        values = self.ascent(scores)
        self.critics.backward(scores)
        self.critics.flat.step(rate, longest=LONGEST)
        return values

    def keep(self, places: Sequence[int]) -> "_Direct":
        kept = [self.courses[i] for i in places]
        return _Direct(kept, self.schedule, self.critics.keep(places))

    def release(self) -> None:
        self.critics.flat.release()


def _decay(step: int, steps: int) -> float:
    """What the rate is multiplied by after a step: a cosine that ends at 0.

    As `CosineAnnealingLR` to the bit, of which each step costs as much as Adam's.
    """
    return (1 + math.cos(math.pi * step / steps)) / (1 + math.cos(math.pi * (step - 1) / steps))


def _set_mode(critic: nn.Module, objective: Bound, *, training: bool) -> None:
    critic.train(training)
    if isinstance(objective, nn.Module):
        objective.train(training)


def _batch_size(n: int, schedule: Schedule) -> int:
    """Rows of a batch of n training rows: whole blocks."""
    return min(schedule.batch_size, n) // schedule.block * schedule.block


def _batches(n: int, schedule: Schedule, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Rows of each batch: random, without repetition until all have been seen."""
    size = _batch_size(n, schedule)
    while True:
        order = rng.permutation(n)
        for start in range(0, n - size + 1, size):
            yield order[start : start + size]
