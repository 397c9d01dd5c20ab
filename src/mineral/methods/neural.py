"""Neural estimators: a critic learns on some rows, and a bound is reported on others.

Every row is reported on exactly once, by a critic that saw it neither in training nor when it
stopped (cross-fitting): the rows are split into folds, and each fold is reported on by a critic
that learned on the rest. What one method differs in from another is two functions of the critic's
scores: the objective that training maximizes, and the bound that is reported.
"""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch

from mineral import bounds
from mineral.critics import JointCritic, SeparableCritic
from mineral.errors import OptionError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.models import CriticModel, Member
from mineral.numerics import logmeanexp
from mineral.results import Caution, Curve
from mineral.samples import Fold, Paired, Standardizer, folds
from mineral.training import Schedule, score_all, seeded, train
from mineral.types import Bound, CriticFactory, JointScores, ProductScores, Progress

VALIDATION = 0.2  # share of a fold's other rows that decides when to stop
FEWEST = 60  # samples: below, no part of a split is of any use
GROUPS = 100  # of rows, left out in turn for the standard error


@dataclass(frozen=True, kw_only=True)
class Neural(Estimator):
    """What the neural estimators share.

    Args:
        critic: Builds f(x, y) from (dx, dy): a class, or `functools.partial` of one.
        steps: Gradient steps for each fold, at most; training stops early on validation rows.
        batch_size: Joint samples a step.
        learning_rate: Of Adam, at the start.
        product_samples: Product samples for each joint sample in training.
        folds: Parts of the samples, each reported on by a critic that learned on the others.
    """

    critic: CriticFactory = JointCritic
    steps: int = 1000
    batch_size: int = 512
    learning_rate: float = 5e-3
    product_samples: int = 7
    folds: int = 3

    held_out_block: ClassVar[int] = 256
    """Rows whose pairs with each other are compared, when reporting."""

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("batch_size", 2), ("product_samples", 1), ("folds", 2)):
            if getattr(self, name) < least:
                raise OptionError(f"`{name}` must be at least {least}, got {getattr(self, name)}.")
        if not self.learning_rate > 0:
            raise OptionError(f"`learning_rate` must be positive, got {self.learning_rate}.")
        if self.product_samples >= self.batch_size:
            raise OptionError(
                f"`product_samples` ({self.product_samples}) must be less than `batch_size` "
                f"({self.batch_size}): they are drawn from the batch."
            )

    @abstractmethod
    def objective(self) -> Bound:
        """What training maximizes: a fresh one for each fold, where it keeps a state."""

    @abstractmethod
    def bound(self, joint: JointScores, product: ProductScores) -> torch.Tensor:
        """What is reported."""

    @abstractmethod
    def ceiling(self, n: int, product_samples: int) -> tuple[float, str]:
        """The most that the bound can show on n rows, in nats, and its formula."""

    def measure(self, samples: Paired, run: Run) -> Measurement:
        samples.at_least(FEWEST, f"{type(self).__name__}, which learns on a part of them,")
        rng, n = run.rng(), len(samples)
        reports = []
        with seeded(run.seed, run.device):
            for i, fold in enumerate(folds(n, self.folds, validation=VALIDATION, rng=rng)):
                part = replace(run, progress=_within(run, i, self.folds))
                reports.append(self._report(samples, fold, part, rng))
        weights = np.array([len(report.rows) / n for report in reports])
        value = float(weights @ [report.value for report in reports])
        stderr = float(np.sqrt(weights**2 @ [report.variance for report in reports]))
        pointwise = np.empty(n)
        for report in reports:
            pointwise[report.rows] = report.pointwise
        return Measurement(
            value=value,
            stderr=stderr,
            pointwise=pointwise,
            model=CriticModel(members=tuple(report.member for report in reports)),
            curves=tuple(report.curve for report in reports),
            cautions=self._cautions(value, stderr, samples, reports),
        )

    def _report(self, samples: Paired, fold: Fold, run: Run, rng: np.random.Generator) -> "_Report":
        """Learn on one fold's training rows, and report on its test rows."""
        of_x = Standardizer.fit(samples.x[fold.training])
        of_y = Standardizer.fit(samples.y[fold.training])
        critic = self.critic(samples.x.shape[1], samples.y.shape[1]).to(run.device)
        member = Member(critic=critic, of_x=of_x, of_y=of_y, log_partition=0.0)
        training, validation, test = (
            member.inputs(samples.x[rows], samples.y[rows])
            for rows in (fold.training, fold.validation, fold.test)
        )
        objective = self.objective()
        if isinstance(objective, torch.nn.Module):
            objective.to(run.device)
        block = min(self.product_samples + 1, len(fold.training), self.batch_size)
        curve = train(
            critic,
            objective,
            training,
            validation,
            Schedule(
                steps=self.steps,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                block=block,
            ),
            rng=rng,
            progress=lambda share: run.progress(share, f"training {self.name}"),
        )
        held_out = max(self.held_out_block, self.product_samples + 1)
        joint, product = (s.double() for s in score_all(critic, test, held_out))
        log_partition = float(logmeanexp(product))
        return _Report(
            rows=fold.test,
            value=float(self.bound(joint, product)),
            variance=self._variance(joint, product),
            pointwise=(joint - log_partition).cpu().numpy(),
            member=replace(member, log_partition=log_partition),
            curve=curve,
            product_samples=product.shape[1],
        )

    def _variance(self, joint: JointScores, product: ProductScores) -> float:
        """Of the bound, over samples: the jackknife that leaves out a group of rows at a time."""
        groups = min(GROUPS, len(joint))
        member = torch.arange(len(joint), device=joint.device) % groups
        values = torch.stack(
            [self.bound(joint[member != g], product[member != g]) for g in range(groups)]
        )
        return float((values - values.mean()).square().sum() * (groups - 1) / groups)

    def _cautions(
        self, value: float, stderr: float, samples: Paired, reports: list["_Report"]
    ) -> tuple[Caution, ...]:
        cautions = []
        ceiling, formula = self.ceiling(len(samples), reports[0].product_samples)
        if value > ceiling - 1:
            cautions.append(
                Caution(
                    "near-ceiling",
                    f"The value is close to {formula} = {ceiling:.2f} nats, the most that this "
                    "bound can show here: the true value may be larger.",
                )
            )
        values = np.array([report.value for report in reports])
        if np.ptp(values) > 6 * max(stderr, 0.01) * np.sqrt(len(values)):
            listed = ", ".join(f"{v:.2f}" for v in values)
            cautions.append(
                Caution(
                    "folds-disagree",
                    f"The folds gave {listed} nats, further apart than sampling explains: "
                    "training did not find the same critic each time. Raise `steps`, or collect "
                    "more samples.",
                )
            )
        if any(report.curve.best == len(report.curve.steps) - 1 for report in reports) and (
            self.steps == reports[0].curve.steps[-1]
        ):
            cautions.append(
                Caution(
                    "not-converged",
                    f"The bound was still rising after {self.steps} steps: raise `steps`.",
                )
            )
        if len(samples) < 10 * samples.dims:
            cautions.append(
                Caution(
                    "few-samples",
                    f"{len(samples):,} samples for {samples.dims} dimensions are few for a network "
                    "to learn from: the value may lie far below the truth.",
                )
            )
        return tuple(cautions)


@dataclass(frozen=True, kw_only=True)
class _Report:
    rows: np.ndarray
    value: float
    variance: float
    pointwise: np.ndarray
    member: Member
    curve: Curve
    product_samples: int


def _within(run: Run, i: int, count: int) -> Progress:
    """The i-th of `count` equal parts of the run's progress."""
    return lambda share, text: run.progress((i + share) / count, text)


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

    def bound(self, joint: JointScores, product: ProductScores) -> torch.Tensor:
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
    batch_size: int = 256
    product_samples: int = 127

    held_out_block = 1024

    name = "infonce"
    kind = "lower bound"

    def objective(self) -> Bound:
        return bounds.infonce

    def bound(self, joint: JointScores, product: ProductScores) -> torch.Tensor:
        return bounds.infonce(joint, product)

    def ceiling(self, n: int, product_samples: int) -> tuple[float, str]:
        return float(np.log(product_samples + 1)), "log(product samples + 1)"
