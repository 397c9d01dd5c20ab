"""Neural estimators: a critic learns to tell joint from product samples, and a bound is reported.

What one method differs in from another is two functions of the critic's scores: the objective that
training maximizes, and the bound that is reported on rows that the critic never saw.
"""

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mineral import bounds
from mineral.basics.numerics import off_diagonal
from mineral.basics.types import Bound, CriticFactory, JointScores, ProductScores
from mineral.critics import JointCritic, SeparableCritic, broadcasting
from mineral.errors import OptionError
from mineral.methods.base import Run
from mineral.methods.neural.crossfit import CrossFitted, FoldReport, prepared
from mineral.methods.options import AtLeastOne, AtLeastTwo
from mineral.networks.training import Pairs, score_all, score_parts, train
from mineral.samples import Fold, Paired
from mineral.system.chance import Chance
from mineral.system.threads import one_torch_thread

GROUPS = 64  # of rows, left out in turn for the standard error
MOST_PAIRS = 2**22  # of held-out rows, where all are in memory at once: 32 MB
ROWS = 128  # of a bound by rows, at a time: 1 MB of 1,023 product scores each
PAIRS = 2**18  # that the standard error looks at, in whole blocks: more only cost time


@dataclass(frozen=True, kw_only=True)
class _Scores:
    """What a critic's scores of held-out rows come to.

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
    """What the critic-based estimators share, beside the options of all that learn a network.

    Args:
        critic: Builds f(x, y) from (dx, dy): a class, or `functools.partial` of one. A critic of
            your own may take rows, (n, dx) and (n, dy), or broadcast as those of `critics`.
        product_samples: Product samples for each joint sample in training.
    """

    critic: CriticFactory = JointCritic
    product_samples: AtLeastOne = 7

    held_out_block: ClassVar[int] = 256
    """Rows whose pairs with each other are compared, when reporting."""

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
        """What is trained: the critic, where a method needs no more."""
        return broadcasting(self.critic(dim_x, dim_y), dim_x, dim_y)

    @abstractmethod
    def objective(self) -> Bound:
        """What training maximizes: a fresh one for each fold, where it keeps a state."""

    @abstractmethod
    def bound(self, joint: JointScores, product: ProductScores) -> Tensor:
        """What is reported."""

    @abstractmethod
    def ceiling(self, n: int, product_samples: int) -> tuple[float, str]:
        """The most that the bound can show on n rows, in nats, and its formula."""

    def report(self, samples: Paired, fold: Fold, run: Run, rng: np.random.Generator) -> FoldReport:
        with Chance.of(rng):
            critic = self.network(samples.x.shape[1], samples.y.shape[1]).to(run.device)
        member, (training, validation, test) = prepared(samples, fold, critic)
        objective = self.objective()
        if isinstance(objective, torch.nn.Module):
            objective.to(run.device)
        curve = train(
            critic,
            objective,
            training,
            validation,
            self.schedule(
                len(fold.training), block=min(self.product_samples + 1, len(fold.training))
            ),
            rng=rng,
            progress=self.telling(run),
        )
        scores = self._held_out(critic, test)
        return FoldReport(
            rows=fold.test,
            value=scores.value,
            variance=scores.variance,
            pointwise=(scores.joint - scores.log_partition).cpu().numpy(),
            member=replace(member, log_partition=scores.log_partition),
            curve=curve,
            ceiling=self.ceiling(len(samples), scores.product_samples),
        )

    def _held_out(self, critic: nn.Module, test: Pairs) -> "_Scores":
        """The bound on rows that the critic never saw, with few product scores in memory."""
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
            if not self.by_row or count < PAIRS:
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
        """Of the bound, over samples: the jackknife that leaves out a group of rows at a time.

        A row counts with its x in its own scores, and with its y in those of all others of its
        block. Both are left out.
        """
        block = product.shape[1] + 1
        blocks = max(1, min(len(joint), PAIRS // block) // block)
        groups = min(GROUPS, block)
        of_x = (torch.arange(block, device=joint.device) % groups).to(torch.uint8)
        of_y = off_diagonal(of_x.expand(block, block))
        joint_of = joint[: blocks * block].view(blocks, block)
        product_of = product[: blocks * block].view(blocks, block, -1)
        values = []
        for group in range(groups):
            rows = torch.nonzero(of_x != group)[:, 0]
            # Large pieces of memory, taken and given back in turn, would not be used again.
            parts = rows.split(ROWS if self.by_row else len(rows))  # type: ignore[no-untyped-call]
            total = torch.zeros((), dtype=joint.dtype, device=joint.device)
            for part in parts:
                others = of_y[part] != group  # as many in every row
                left = product_of[:, part].masked_select(others).view(-1, int(others[0].sum()))
                total += len(part) * self.bound(joint_of[:, part].reshape(-1), left)
            values.append(total / len(rows))
        spread = torch.stack(values).var(correction=0) * (groups - 1)
        return float(spread * blocks * block / len(joint))


def _whole(critic: nn.Module, pairs: Pairs, block: int) -> Iterator[Pairs]:
    """All scores, as the one part that they are."""
    yield score_all(critic, pairs, block)


@dataclass(frozen=True, kw_only=True)
class MINE(Neural):
    """Donsker–Varadhan bound, trained with MINE's bias-corrected gradient.

    A lower bound for a fixed critic and many samples. The logarithm of a sample mean lies below
    that of the true mean (Jensen), so on few samples the number may exceed I(X; Y); it cannot
    certify more than about log n. Use it for continuous data of any dimension where dependence is
    neither Gaussian nor low-dimensional enough for neighbours.

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

    def ceiling(self, n: int, product_samples: int) -> tuple[float, str]:
        return float(np.log(n)), "log n"


@dataclass(frozen=True, kw_only=True)
class InfoNCE(Neural):
    """Contrastive lower bound, of low variance, that never exceeds log(product samples + 1).

    Stable where other bounds explode, and limited where they are not: on strong dependence the
    value stops at the ceiling, and says so. Here every joint pair is told apart from 1,023
    others when reporting, as far as the samples go: a ceiling of 6.9 nats.

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

    def ceiling(self, n: int, product_samples: int) -> tuple[float, str]:
        return float(np.log(product_samples + 1)), "log(product samples + 1)"
