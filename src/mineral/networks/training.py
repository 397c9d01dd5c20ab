"""The one training loop: of any critic by autograd, of known ones with gradients written out."""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from mineral.basics.types import Bound
from mineral.bounds.ascent import ascent
from mineral.networks.direct import Direct, direct, entries, is_direct, shapes
from mineral.networks.scoring import Pairs, score, score_all
from mineral.results import Curve
from mineral.stability import EarlyStopping
from mineral.system.chance import Chance
from mineral.system.threads import SMALL, multiplications, one_torch_thread

CLOSEST = 10  # steps between looks at the validation rows
LONGEST = 10.0  # of a gradient: one exploding batch would hold back Adam for the next hundreds
# Numbers of a layer of all critics that are trained in the same steps, 1 MB: 32 critics of width
# 64 and batches of 64 take 1 / 1.9 of the time in turn; with 4 MB, in batches of 256, as long.
ENTRIES = 2**18


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
    """Maximize each job's objective, as `train` does, as many in the same steps as a cache holds.

    Args:
        jobs: In any number; those of equal critics and batches are trained together.
        schedule: How long and how fast.
        progress: Called with the share of the steps that is done.
        until: Of `time.monotonic()`, after which no further step is taken.
    """
    curves, done = list[Curve](), 0
    for group in _groups(jobs, schedule):
        start, share = done / len(jobs), len(group) / len(jobs)
        part = partial(_pass_on, progress, start, share)
        curves += _train_group(group, schedule, part, until)
        done += len(group)
    return curves


def _pass_on(progress: Callable[[float], None], start: float, share: float, done: float) -> None:
    progress(start + share * done)


def _groups(jobs: Sequence[Job], schedule: Schedule) -> Iterator[Sequence[Job]]:
    """Jobs in their order, cut into those that are trained in the same steps."""
    group, held, kind = list[Job](), 0, None
    for job in jobs:
        dims = [side.shape[1] for side in job.training]
        size = _batch_size(len(job.training[0]), schedule)
        same, more = None, 0
        if is_direct(job.critic, *dims):
            same = (size, *shapes(job.critic))
            more = entries(job.critic, size, schedule.block)
        if group and (same is None or same != kind or held + more > ENTRIES):
            yield group
            group, held = [], 0
        group.append(job)
        held, kind = held + more, same
    if group:
        yield group


def _train_group(
    jobs: Sequence[Job], schedule: Schedule, progress: Callable[[float], None], until: float
) -> list[Curve]:
    """`train_together`, of equal critics in the same steps."""
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
