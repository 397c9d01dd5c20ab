"""What an estimator is: a frozen set of options with one verb.

`Estimator.estimate` is the same for all: it checks the samples, times the measurement, and wraps
it with what is known about it. What differs between methods is `measure`.
"""

import math
import numbers
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch

from mineral.basics.special import ndtri
from mineral.basics.types import Kind, Missing, PerSample, Progress, Unit
from mineral.decision import Decision
from mineral.errors import OptionError
from mineral.methods.counts.entropies import entropy_cap
from mineral.methods.options import checked
from mineral.models.selecting import selecting
from mineral.results import (
    Caution,
    Curve,
    Estimate,
    Evidence,
    PointwiseModel,
    as_json,
    nats_per,
)
from mineral.samples import Conditioned, Paired, conditioned, paired, symbols
from mineral.system.machine import device_named, versions
from mineral.system.progress import ProgressOption, reporting
from mineral.system.threads import one_blas_thread

CONFIDENCE_95 = 1.96  # standard errors
ROWS_PER_SYMBOL = 2  # on average, from which the entropy of a side limits what it can share
OVERRUN = 1.25  # times a budget in seconds that an estimate may take without a caution
ROWS_KEPT = 2000  # enough for a scatter plot, little enough to keep

Sampled = TypeVar("Sampled", Paired, Conditioned)
_Takes = TypeVar("_Takes", Paired, Conditioned, contravariant=True)


@dataclass(frozen=True, kw_only=True)
class Run:
    """The context of a measurement, in addition to samples and options.

    Attributes:
        until: The `time.monotonic()` at which to stop, for methods that can.
    """

    seed: int
    device: torch.device
    progress: Progress
    until: float = math.inf

    def rng(self) -> np.random.Generator:
        """A fresh generator of this run's seed."""
        return np.random.default_rng(self.seed)

    @property
    def late(self) -> bool:
        """Whether its time is up."""
        return time.monotonic() > self.until

    def share(self, steps: int) -> "Run":
        """A run with an equal share of the remaining time, for the first of this many steps."""
        now = time.monotonic()
        return replace(self, until=now + (self.until - now) / steps)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The result of a method, in nats.

    Attributes:
        value: The estimate.
        stderr: Its standard error over samples.
        missing: Dependence that is probably missed, at the level of a 95 % interval; it extends the
            upper end.
        residual_is_independent: Whether a held-out test finds no dependence that the model misses.
        reach: Where the sampling interval is not symmetric: confidence → nats below and above the
            value. None is the normal quantile times `stderr` on both sides.
        pointwise: The contribution of each row, shape (n,): an estimate of its pmi.
        kind: Set if it is not the estimator's own (`Auto` delegates).
        decision: How `Auto` came to the value.
    """

    value: float
    stderr: float
    missing: float = 0.0
    residual_is_independent: bool = False
    reach: Callable[[float], tuple[float, float]] | None = None
    pointwise: PerSample | None = None
    model: PointwiseModel | None = None
    curves: tuple[Curve, ...] = ()
    cautions: tuple[Caution, ...] = ()
    path: tuple[str, ...] = ()
    kind: Kind | None = None
    decision: Decision | None = None


@runtime_checkable
class Measures(Protocol[_Takes]):
    """An object that measures checked samples: an estimator, a search, or a wrapper of one.

    From `Paired` samples I(X; Y), from `Conditioned` ones I(X; Y | Z).
    """

    def measure(self, samples: _Takes, run: Run) -> Measurement:
        """The information in nats."""


@dataclass(frozen=True, kw_only=True)
class Estimator(ABC):
    """A recipe for estimating I(X; Y) from joint samples. Its fields are its options.

    A custom estimator is a frozen dataclass with `name`, `kind` and `measure`. It can be used like
    the built-in ones: `mineral.estimate(x, y, estimator=Own)`, `mineral benchmark --estimators
    file.py:Own`. Options are checked by their annotations when one is made.

    Attributes:
        name: The name for `mineral.estimate(estimator=...)` and the command line.
        kind: Whether its value is, in expectation, a bound on I(X; Y).
        labels: Whether it accepts columns of text, as categories.
    """

    name: ClassVar[str]
    kind: ClassVar[Kind]
    labels: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name, value in checked(self).items():
            object.__setattr__(self, name, value)

    @abstractmethod
    def measure(self, samples: Paired, run: Run) -> Measurement:
        """Measure I(X; Y) in nats, on checked samples.

        Args:
            samples: `samples.x` (n, dx) and `samples.y` (n, dy) are float64 without missing values.
            run: The seed, `run.rng()`, the device and where to report progress.
        """

    def measure_given(self, samples: Conditioned, run: Run) -> Measurement:
        """Measure I(X; Y | Z) in nats: of estimators that have a condition.

        Args:
            samples: `samples.pair` as `measure` takes it; `samples.z` (n, dz) without constant
                columns, so that dz may be 0.
            run: As `measure` takes it.

        Raises:
            OptionError: If this estimator has no condition.
        """
        raise OptionError(
            f"`given` is a condition, which {self.name} does not have: use one of "
            f"{', '.join(_with_a_condition())}."
        )

    def estimate(
        self,
        x: Any,  # noqa: ANN401
        y: Any,  # noqa: ANN401
        *,
        given: Any = None,  # noqa: ANN401
        seed: int = 0,
        device: str | torch.device | None = None,
        progress: ProgressOption = False,
        confidence: float = 0.95,
        unit: Unit = "nats",
        missing: Missing = "raise",
    ) -> Estimate:
        """Estimate I(X; Y) from n joint samples, one per row of x and of y.

        Args:
            x: Shape (n,), (n, dx) or (n, ...): NumPy, torch, lists, pandas, polars or Arrow.
            y: The same, with the same number of rows.
            given: The condition Z, in the same form: I(X; Y | Z) is estimated. None for none.
            seed: Random seed. The global random state is not changed.
            device: Device of neural networks: `"cpu"` by default.
            progress: True for a progress bar on standard error, or a function called with
                (fraction done, what is running).
            confidence: The level of the interval.
            unit: `"nats"` or `"bits"`.
            missing: `"raise"`, or `"drop"` to drop rows with missing values.

        Raises:
            InputError: If the samples cannot be used: a ValueError.
            InputTypeError: If they cannot be read as numbers: a TypeError.
            OptionError: If an option is out of range: a ValueError.
        """
        nats = nats_per(unit)
        check_run(seed, confidence)
        seed, confidence = int(seed), float(confidence)  # NumPy's are not JSON
        whole = None
        if given is None:
            samples = paired(x, y, missing=missing, words=self.labels)
        else:
            whole = conditioned(x, y, given, missing=missing, words=self.labels)
            samples = whole.pair
        start = time.perf_counter()
        with reporting(progress) as report, one_blas_thread():
            run = Run(seed=seed, device=device_named(device), progress=report)
            measurable, of_x, of_y = samples.measurable()
            if whole is None:
                found = self.measure(measurable, run)
            else:
                found = self.measure_given(whole.measurable(), run)
        seconds = time.perf_counter() - start
        level = float(ndtri(0.5 + confidence / 2))
        stderr = found.stderr * math.sqrt(samples.rows_a_draw)
        below = above = level * stderr
        if found.reach is not None:
            ends = found.reach(confidence)
            below, above = (end * math.sqrt(samples.rows_a_draw) for end in ends)
        above = math.hypot(above, found.missing * level / CONFIDENCE_95)
        sentences = () if found.decision is None else found.decision.sentences(unit)
        highest = max(_entropy_of_a_label(samples), found.value)
        return Estimate(
            value=found.value / nats,
            interval=(
                float(found.value - below) / nats,
                float(min(found.value + above, highest)) / nats,
            ),
            confidence=confidence,
            stderr=stderr / nats,
            allowance=found.missing * level / CONFIDENCE_95 / nats,
            unit=unit,
            kind=found.kind or self.kind,
            estimator=self.name,
            options={field.name: getattr(self, field.name) for field in fields(self)},
            decision=found.decision,
            n=len(samples),
            dim_x=samples.x.shape[1],
            dim_y=samples.y.shape[1],
            dim_z=None if whole is None else whole.z.shape[1],
            warnings=(*found.cautions, *samples.cautions, *_overrun(self, seconds)),
            path=(*found.path, *sentences),
            seed=seed,
            seconds=seconds,
            versions=versions(),
            model=selecting(found.model, of_x, of_y),
            evidence=_evidence(samples, found, run, () if whole is None else whole.z_names),
        )

    def options(self) -> dict[str, Any]:
        """Name and value of each option, as JSON can hold them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: as_json(value) for name, value in values.items()}

    @classmethod
    def condition(cls) -> Literal["none", "optional", "required"]:
        """Whether it takes a condition, `given`."""
        if cls.measure_given is Estimator.measure_given:
            return "none"
        return "required" if issubclass(cls, ConditionalEstimator) else "optional"

    @classmethod
    def summary(cls) -> str:
        """A one-line description."""
        return (cls.__doc__ or "").strip().splitlines()[0]


def _overrun(estimator: Estimator, seconds: float) -> tuple[Caution, ...]:
    """A caution where an estimate took clearly longer than the seconds that it was given."""
    budget = estimator.options().get("budget")
    if not isinstance(budget, (int, float)) or seconds <= OVERRUN * budget:
        return ()
    return (
        Caution(
            "over-budget",
            f"The estimate took {seconds:,.0f} s of a budget of {budget:g} s: the search for "
            "independent columns, the first candidate, and its measurement on all rows are never "
            "skipped. Use fewer rows or columns.",
        ),
    )


@dataclass(frozen=True, kw_only=True)
class ConditionalEstimator(Estimator):
    """A recipe for estimating I(X; Y | Z), which needs a condition."""

    def measure(self, samples: Paired, run: Run) -> Measurement:
        raise OptionError(
            f"{self.name} estimates I(X; Y | Z) and needs the condition: pass `given`, or use "
            "estimator='auto' without one."
        )


def _with_a_condition() -> list[str]:
    """Names of the estimators that have a condition, those of the caller's own among them."""
    found, todo = set(), [Estimator]
    while todo:
        for kind in todo.pop().__subclasses__():
            todo.append(kind)
            if kind.condition() != "none" and hasattr(kind, "name"):
                found.add(kind.name)
    return sorted(found)


def check_run(seed: int, confidence: float) -> None:
    """Refuse a seed or a level that is out of range.

    Raises:
        OptionError: If one is.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise OptionError(f"`seed` must be a whole number of at least 0, below 2^64, got {seed!r}.")
    if not isinstance(confidence, numbers.Real) or not 0 < confidence < 1:
        raise OptionError(f"`confidence` must lie between 0 and 1, got {confidence!r}: try 0.95.")


def _entropy_of_a_label(samples: Paired) -> float:
    """The entropy limit of a side whose values repeat, in nats; infinite without such a side."""
    n = len(samples)
    caps = [math.inf]
    for codes in (symbols(samples.x), symbols(samples.y)):
        if (int(codes.max()) + 1) * ROWS_PER_SYMBOL <= n:
            caps.append(entropy_cap(codes))
    return min(caps)


def _evidence(samples: Paired, found: Measurement, run: Run, z_names: tuple[str, ...]) -> Evidence:
    n = len(samples)
    rows = np.sort(run.rng().permutation(n)[:ROWS_KEPT]) if n > ROWS_KEPT else np.arange(n)
    return Evidence(
        x=samples.x[rows],
        y=samples.y[rows],
        pointwise=None if found.pointwise is None else found.pointwise[rows],
        x_names=samples.x_names,
        y_names=samples.y_names,
        z_names=z_names,
        curves=found.curves,
        x_levels=samples.levels_x,
        y_levels=samples.levels_y,
    )
