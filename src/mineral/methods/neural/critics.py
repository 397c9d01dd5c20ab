"""Critic-based estimators: a network classifies joint against product samples.

Methods differ in two functions of the critic's scores: the objective that training maximizes, and
the bound that is reported on held-out rows.
"""

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mineral import bounds
from mineral.basics.types import Bound, CriticFactory, JointScores, ProductScores
from mineral.critics import JointCritic, SeparableCritic, broadcasting
from mineral.errors import OptionError
from mineral.methods.base import Run
from mineral.methods.neural import jackknife
from mineral.methods.neural.crossfit import CrossFitted, FoldReport, prepared
from mineral.methods.options import AtLeastOne, AtLeastTwo
from mineral.models import Member
from mineral.networks.scoring import Pairs, score_all, score_parts
from mineral.networks.training import Job, train_together
from mineral.results import Curve
from mineral.samples import Fold, Paired
from mineral.system.chance import Chance
from mineral.system.progress import portion
from mineral.system.threads import one_torch_thread

MOST_TOGETHER = 2**24  # numbers of samples whose folds are in memory at once: 64 MB for each
MOST_PAIRS = 2**22  # of held-out rows, if all are in memory at once: 32 MB
ROWS = 128  # of a bound by rows, at a time: 1 MB of 1,023 product scores each


@dataclass(frozen=True, kw_only=True)
class _Scores:
    """Summaries of a critic's scores of held-out rows.

    Attributes:
        joint: Of every row.
        log_partition: log mean exp of all product scores.
        product_samples: Of each row.
    """

    value: float
    variance: float
    joint: JointScores
    log_partition: float
    product_samples: int


@dataclass(frozen=True, kw_only=True)
class Neural(CrossFitted):
    """Options of critic-based estimators, in addition to those of all neural estimators.

    Args:
        critic: Builds f(x, y) from (dx, dy): a class, or `functools.partial` of one. A custom
            critic may take rows, (n, dx) and (n, dy), or broadcast as those of `critics`.
        product_samples: Product samples for each joint sample in training.
    """

    critic: CriticFactory = JointCritic
    product_samples: AtLeastOne = 7

    held_out_block: ClassVar[int] = 256
    """Rows whose pairs are product samples of each other, when reporting."""

    by_row: ClassVar[bool] = False
    """Whether the bound is a mean over rows, which needs one row's product scores at a time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.product_samples >= self.batch_size:
            raise OptionError(
                f"`product_samples` must be at least 1 and less than `batch_size` "
                f"({self.batch_size}), from which they are drawn: got {self.product_samples}."
            )

    def network(self, dim_x: int, dim_y: int) -> nn.Module:
        """The networks to train: by default, the critic only."""
        return broadcasting(self.critic(dim_x, dim_y), dim_x, dim_y)

    @abstractmethod
    def objective(self) -> Bound:
        """The training objective: a new one for each fold if it has a state."""

    @abstractmethod
    def bound(self, joint: JointScores, product: ProductScores) -> Tensor:
        """The reported bound."""

    @abstractmethod
    def ceiling(self, n: int, product_samples: int) -> tuple[float, str]:
        """The maximum of the bound on n rows, in nats, and its formula."""

    def report(self, samples: Paired, fold: Fold, run: Run, rng: np.random.Generator) -> FoldReport:
        return self._together(samples, [fold], run, [rng])[0]

    def reports(
        self, samples: Paired, parts: Sequence[Fold], run: Run, rng: np.random.Generator
    ) -> list[FoldReport]:
        rngs = rng.spawn(len(parts))  # a fold's numbers do not depend on which others train with it
        count = len(parts)
        size = count if len(samples) * samples.dims <= MOST_TOGETHER else 1
        found = list[FoldReport]()
        for start in range(0, count, size):
            few = slice(start, start + size)
            progress = portion(run.progress, start / count, (start + size) / count)
            own = replace(run, progress=progress)
            found += self._together(samples, parts[few], own, rngs[few])
        return found

    def _together(
        self,
        samples: Paired,
        parts: Sequence[Fold],
        run: Run,
        rngs: Sequence[np.random.Generator],
    ) -> list[FoldReport]:
        """Train the folds' critics together, and evaluate each on its own rows."""
        members, tests, jobs = list[Member](), list[Pairs](), list[Job]()
        for fold, rng in zip(parts, rngs, strict=True):
            with Chance.of(rng):
                critic = self.network(samples.x.shape[1], samples.y.shape[1]).to(run.device)
            member, (training, validation, test) = prepared(samples, fold, critic)
            objective = self.objective()
            if isinstance(objective, torch.nn.Module):
                objective.to(run.device)
            members.append(member)
            tests.append(test)
            jobs.append(
                Job(
                    critic=critic,
                    objective=objective,
                    training=training,
                    validation=validation,
                    rng=rng,
                )
            )
        fewest = min(len(fold.training) for fold in parts)
        schedule = self.schedule(fewest, block=min(self.product_samples + 1, fewest))
        curves = train_together(jobs, schedule, progress=self.telling(run))
        evaluated = zip(parts, members, tests, curves, strict=True)
        return [self._evaluated(len(samples), *each) for each in evaluated]

    def _evaluated(
        self, n: int, fold: Fold, member: Member, test: Pairs, curve: Curve
    ) -> FoldReport:
        scores = self._held_out(member.critic, test)
        return FoldReport(
            rows=fold.test,
            value=scores.value,
            variance=scores.variance,
            pointwise=(scores.joint - scores.log_partition).cpu().numpy(),
            member=replace(member, log_partition=scores.log_partition),
            curve=curve,
            ceiling=self.ceiling(n, scores.product_samples),
        )

    def _held_out(self, critic: nn.Module, test: Pairs) -> "_Scores":
        """The bound on held-out rows, with few product scores in memory at a time."""
        block = max(self.held_out_block, self.product_samples + 1)
        if not self.by_row:  # the bound needs all product scores at once
            block = max(self.product_samples + 1, min(block, MOST_PAIRS // len(test[0])))
        joints, log_sums, first = list[Tensor](), list[Tensor](), list[tuple[Tensor, Tensor]]()
        value, count = 0.0, 0
        parts = score_parts if self.by_row else _whole
        for part in parts(critic, test, block):
            joint, product = (scores.double() for scores in part)
            joints.append(joint)
            log_sums.append(product.logsumexp((0, 1)))
            if not self.by_row or count < jackknife.PAIRS:
                first.append((joint, product))
            if self.by_row:
                value += len(joint) * float(self.bound(joint, product))
            count += product.numel()
        whole = [torch.cat(scores) for scores in zip(*first, strict=True)]
        with one_torch_thread():
            variance = self._variance(*whole) * len(whole[0]) / len(test[0])
        return _Scores(
            value=value / len(test[0]) if self.by_row else float(self.bound(*whole)),
            variance=variance,
            joint=torch.cat(joints),
            log_partition=float(torch.stack(log_sums).logsumexp(0)) - math.log(count),
            product_samples=whole[1].shape[1],
        )

    def _variance(self, joint: JointScores, product: ProductScores) -> float:
        return jackknife.variance(joint, product, self.jackknifed())

    def jackknifed(self) -> jackknife.Kept:
        """The reported bound without each group of rows in turn."""
        return jackknife.of_any(self.bound, rows=ROWS if self.by_row else None)


def _whole(critic: nn.Module, pairs: Pairs, block: int) -> Iterator[Pairs]:
    """All scores, as a single part."""
    yield score_all(critic, pairs, block)


@dataclass(frozen=True, kw_only=True)
class MINE(Neural):
    """Donsker–Varadhan bound, trained with MINE's bias-corrected gradient.

    A lower bound for a fixed critic and many samples. The logarithm of a sample mean lies below
    that of the true mean (Jensen), so that with few samples the value may exceed I(X; Y); values
    far above log n are not reliable. Use it for continuous data of any dimension, if the dependence
    is neither Gaussian nor low-dimensional enough for KSG.

    References:
        Belghazi et al. (2018), Algorithm 1, arXiv:1801.04062.
        McAllester & Stratos (2020), on log n, arXiv:1811.04251.
    """

    name = "mine"
    kind = "lower bound"

    def objective(self) -> Bound:
        return bounds.MovingAverageDV()

    def bound(self, joint: JointScores, product: ProductScores) -> Tensor:
        return bounds.donsker_varadhan(joint, product)

    def jackknifed(self) -> jackknife.Kept:
        return jackknife.of_partition(self.bound)

    def ceiling(self, n: int, product_samples: int) -> tuple[float, str]:
        return float(np.log(n)), "log n"


@dataclass(frozen=True, kw_only=True)
class InfoNCE(Neural):
    """Contrastive lower bound, of low variance, that never exceeds log(product samples + 1).

    Stable where other bounds explode, but limited where they are not: under strong dependence the
    value stops at the ceiling, with a caution. For the report, every joint pair is compared with
    1,023 product samples, or as many as the rows allow: a ceiling of 6.9 nats.

    References:
        van den Oord, Li & Vinyals (2018), arXiv:1807.03748.
    """

    critic: CriticFactory = SeparableCritic
    batch_size: AtLeastTwo = 256
    product_samples: AtLeastOne = 127

    held_out_block = 1024
    by_row = True

    name = "infonce"
    kind = "lower bound"

    def objective(self) -> Bound:
        return bounds.infonce

    def bound(self, joint: JointScores, product: ProductScores) -> Tensor:
        return bounds.infonce(joint, product)

    def jackknifed(self) -> jackknife.Kept:
        return jackknife.of_infonce

    def ceiling(self, n: int, product_samples: int) -> tuple[float, str]:
        return float(np.log(product_samples + 1)), "log(product samples + 1)"
