"""Cross-fitting: every row is evaluated by a network that was not trained on it.

The rows are split into folds. For each fold, a network is trained on a part of the other rows,
stopped early on the rest of them, and evaluated on the fold. All rows count once in the value.
Methods differ in the network, the objective, and the reported quantity.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor, nn

from mineral.basics.types import PerSample, Rows
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.options import AtLeastOne, AtLeastTwo, Positive
from mineral.models import CriticModel, Member
from mineral.networks.training import Schedule
from mineral.results import Caution, Curve
from mineral.samples import Fold, Paired, Standardizer, folds
from mineral.system.chance import learning
from mineral.system.progress import portion

VALIDATION = 0.2  # share of a fold's other rows that decides when to stop
FEWEST = 60  # samples; below, the parts of a split are too small
FEWEST_REPORTED = 10  # samples in a fold
FEWEST_A_BATCH = 64  # joint samples, if there are enough training rows


@dataclass(frozen=True, kw_only=True)
class FoldReport:
    """The result of one fold's network on the fold's test rows, in nats.

    Attributes:
        rows: The test rows.
        value: The estimate on them.
        variance: Of the value, over samples.
        pointwise: An estimate of each row's pmi.
        member: The network, if it is a log density ratio.
        ceiling: The maximum possible value, and its formula.
        gain: For each row, the improvement of the classification score (joint against product
            samples) by training, in nats; for methods that use it.
    """

    rows: Rows
    value: float
    variance: float
    pointwise: PerSample
    curve: Curve
    member: Member | None = None
    ceiling: tuple[float, str] = (np.inf, "")
    gain: PerSample | None = None


@dataclass(frozen=True, kw_only=True)
class Learned(Estimator):
    """Options of estimators that train a network.

    Args:
        steps: Gradient steps for each fold, at most; training stops early on validation rows.
        batch_size: Joint samples a step.
        learning_rate: Of Adam, at the start.
        folds: Parts of the samples, each evaluated by a network that was trained on the others.
    """

    steps: AtLeastOne = 1000
    batch_size: AtLeastTwo = 512
    learning_rate: Positive = 5e-3
    folds: AtLeastTwo = 3

    def schedule(self, rows: int, *, block: int) -> Schedule:
        """These options in the form of the training loop, for this number of training rows.

        Batches of nearly all rows lead to overfitting: none has more than a third of the rows.
        """
        return Schedule(
            steps=self.steps,
            batch_size=min(self.batch_size, max(FEWEST_A_BATCH, block, rows // 3)),
            learning_rate=self.learning_rate,
            block=block,
        )

    def telling(self, run: Run) -> Callable[[float], None]:
        """Report the progress of a training to the run."""
        return lambda share: run.progress(share, f"training {self.name}")


@dataclass(frozen=True, kw_only=True)
class CrossFitted(Learned):
    """Estimators that train one network a fold, independently of other folds."""

    @abstractmethod
    def report(self, samples: Paired, fold: Fold, run: Run, rng: np.random.Generator) -> FoldReport:
        """Train on one fold's training rows, and evaluate its test rows."""

    def measure(self, samples: Paired, run: Run) -> Measurement:
        fewest = max(FEWEST, FEWEST_REPORTED * self.folds)
        samples.at_least(fewest, f"{type(self).__name__}, which learns on a part of them,")
        rng = run.rng()
        with learning():
            parts = list(folds(len(samples), self.folds, validation=VALIDATION, rng=rng))
            reports = self.reports(samples, parts, run, rng)
        return combined(self, samples, reports)

    def reports(
        self, samples: Paired, parts: Sequence[Fold], run: Run, rng: np.random.Generator
    ) -> list[FoldReport]:
        """`report` of each fold."""
        found = []
        for i, fold in enumerate(parts):
            progress = portion(run.progress, i / len(parts), (i + 1) / len(parts))
            found.append(self.report(samples, fold, replace(run, progress=progress), rng))
        return found


def combined(estimator: Learned, samples: Paired, reports: Sequence[FoldReport]) -> Measurement:
    """One measurement of all folds: every row counts once."""
    weights = np.array([len(report.rows) / len(samples) for report in reports])
    value = float(weights @ [report.value for report in reports])
    stderr = float(np.sqrt(weights**2 @ [report.variance for report in reports]))
    pointwise = np.empty(len(samples))
    for report in reports:
        pointwise[report.rows] = report.pointwise
    return Measurement(
        value=value,
        stderr=stderr,
        pointwise=pointwise,
        model=_model(reports),
        curves=tuple(report.curve for report in reports),
        cautions=(
            *_near_ceiling(value, reports),
            *_disagreement(stderr, reports),
            *_unfinished(estimator.steps, reports),
            *_nothing_learned(reports),
            *_few_samples(samples),
        ),
    )


def _model(reports: Sequence[FoldReport]) -> CriticModel | None:
    members = [report.member for report in reports if report.member is not None]
    return CriticModel(members=tuple(members)) if members else None


def prepared(
    samples: Paired, fold: Fold, critic: nn.Module
) -> tuple[Member, list[tuple[Tensor, Tensor]]]:
    """A network with an input transform from training rows only, and the transformed parts."""
    of_x = Standardizer.fit(samples.x[fold.training])
    of_y = Standardizer.fit(samples.y[fold.training])
    member = Member(critic=critic, of_x=of_x, of_y=of_y, log_partition=0.0)
    parts = (fold.training, fold.validation, fold.test)
    return member, [member.inputs(samples.x[rows], samples.y[rows]) for rows in parts]


def _near_ceiling(value: float, reports: Sequence[FoldReport]) -> tuple[Caution, ...]:
    ceiling, formula = reports[0].ceiling
    if value <= ceiling - 1:
        return ()
    return (
        Caution(
            "near-ceiling",
            f"The value is close to {formula} = {ceiling:.2f} nats, the maximum of this bound "
            "here: the true value may be larger. Raise `batch_size` or `product_samples`.",
        ),
    )


def _disagreement(stderr: float, reports: Sequence[FoldReport]) -> tuple[Caution, ...]:
    values = np.array([report.value for report in reports])
    if np.ptp(values) <= 6 * max(stderr, 0.01) * np.sqrt(len(values)):
        return ()
    listed = ", ".join(f"{value:.2f}" for value in values)
    return (
        Caution(
            "folds-disagree",
            f"The folds gave {listed} nats and differ by more than sampling error: training did "
            "not reach the same network in each fold. Raise `steps`, or collect more samples.",
        ),
    )


def _unfinished(steps: int, reports: Sequence[FoldReport]) -> tuple[Caution, ...]:
    if not any(report.curve.steps[report.curve.best] == steps for report in reports):
        return ()
    return (
        Caution(
            "not-converged",
            f"The bound on the validation rows was still rising after {steps:,} steps: raise "
            "`steps`.",
        ),
    )


def _nothing_learned(reports: Sequence[FoldReport]) -> tuple[Caution, ...]:
    idle = sum(report.curve.best == 0 for report in reports)
    if not idle:
        return ()
    return (
        Caution(
            "nothing-learned",
            f"In {idle} of {len(reports)} folds training did not improve the bound on validation "
            "rows: x and y are independent, or training failed. Try a lower `learning_rate`.",
        ),
    )


def _few_samples(samples: Paired) -> tuple[Caution, ...]:
    if len(samples) >= 10 * samples.dims:
        return ()
    return (
        Caution(
            "few-samples",
            f"{len(samples):,} samples are few to train a network in {samples.dims} dimensions: "
            "the value may be far too low. Collect more samples, or compare with "
            "estimator='copula'.",
        ),
    )
