"""Mutual information of two series at a range of lags: a curve with intervals."""

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import torch

from mineral import figures
from mineral.api import resolve
from mineral.basics.types import Missing, Unit
from mineral.errors import OptionError
from mineral.methods import Estimator
from mineral.results import Estimate
from mineral.series.embedding import Lags, embed
from mineral.series.reading import read_series
from mineral.system.progress import ProgressOption, portion, reporting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCHEMA = 1  # of `to_dict`; docs/series.md


@dataclass(frozen=True, kw_only=True)
class Lagged:
    """I(x at time t − lag; y at time t) for each of several lags.

    Attributes:
        lags: In rows; x comes before y at positive lags.
        estimates: One for each lag.
    """

    lags: tuple[int, ...]
    estimates: tuple[Estimate, ...]

    @property
    def unit(self) -> Unit:
        """`"nats"` or `"bits"`."""
        return self.estimates[0].unit

    @property
    def values(self) -> tuple[float, ...]:
        """The estimate at each lag, in `unit`."""
        return tuple(estimate.value for estimate in self.estimates)

    @property
    def intervals(self) -> tuple[tuple[float, float], ...]:
        """The ends of the confidence interval at each lag, in `unit`."""
        return tuple(estimate.interval for estimate in self.estimates)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it: `estimates` are those of docs/json.md."""
        return {
            "schema": SCHEMA,
            "unit": self.unit,
            "confidence": self.estimates[0].confidence,
            "lags": list(self.lags),
            "values": list(self.values),
            "intervals": [list(interval) for interval in self.intervals],
            "estimates": [estimate.to_dict() for estimate in self.estimates],
        }

    def plot(self, ax: "Axes | None" = None) -> "Figure":
        """A matplotlib figure of values and intervals against lags.

        Args:
            ax: Axes of yours to draw into.

        Raises:
            MissingExtraError: If matplotlib is not installed.
        """
        return figures.lag_curve(self.lags, self.estimates, ax)

    def __str__(self) -> str:
        first = self.estimates[0]
        lines = [f"{'lag':>5} {self.unit:>10}   {100 * first.confidence:.4g}% interval"]
        for lag, estimate in zip(self.lags, self.estimates, strict=True):
            low, high = estimate.interval
            lines.append(f"{lag:>5} {estimate.value:>10.4g}   [{low:.4g}, {high:.4g}]")
        cautions = {w.code: w for estimate in self.estimates for w in estimate.warnings}
        return "\n".join([*lines, *(f"  ! {caution}" for caution in cautions.values())])


def lagged(
    x: Any,  # noqa: ANN401
    y: Any,  # noqa: ANN401
    lags: int | Iterable[int],
    *,
    estimator: str | Estimator | type[Estimator] = "auto",
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: ProgressOption = False,
    confidence: float = 0.95,
    unit: Unit = "nats",
    missing: Missing = "raise",
    **options: Any,  # noqa: ANN401
) -> Lagged:
    """Mutual information of x at time t − lag and y at time t, for each lag.

    Every lag uses the same times t, so that values can be compared. Intervals account for the
    autocorrelation of both series, and each holds for its lag alone. Lagged information has no
    condition: a series that repeats its own past shows it at many lags, which transfer entropy does
    not.

    Args:
        x: Shape (times,) or (times, d), in order of time, or a list of such for several trials.
        y: The same, with the same times.
        lags: Whole numbers, as `range(21)`: x comes before y at positive lags, after y at negative.
        estimator: Any of `mineral.estimators()`.
        seed: Fixes every random choice.
        device: As in `mineral.estimate`.
        progress: As in `mineral.estimate`.
        confidence: The level of each interval.
        unit: `"nats"` or `"bits"`.
        missing: `"raise"`, or `"drop"` to leave out each row with a missing value at any lag.
        options: Of the estimator.

    Raises:
        InputError: If the series cannot be used, or are too short for the lags.
        InputTypeError: If they cannot be read as numbers or text.
        OptionError: If an option is out of range.

    Example:
        >>> import numpy as np
        >>> x, e = np.random.default_rng(0).standard_normal((2, 1000))
        >>> y = np.roll(x, 3) + e
        >>> found = lagged(x, y, range(6), estimator="copula")
        >>> found.lags[int(np.argmax(found.values))]
        3
    """
    distances = _distances(lags)
    recipe = resolve(estimator, options)
    series = read_series({"x": x, "y": y})
    sides = {
        "x": [Lags(series=series["x"], lags=distances)],
        "y": [Lags(series=series["y"], lags=[0])],
    }
    rows = embed(sides, missing=missing)
    width = len(series["x"].names)
    labels = list(rows.sides["x"])
    estimates = []
    with reporting(progress) as report:
        for i in range(len(distances)):
            own = labels[i * width : (i + 1) * width]
            found = recipe.estimate(
                {label: rows.sides["x"][label] for label in own},
                rows.sides["y"],
                seed=seed,
                device=device,
                progress=portion(report, i / len(distances), (i + 1) / len(distances)),
                confidence=confidence,
                unit=unit,
            )
            estimates.append(found)
    return Lagged(lags=distances, estimates=tuple(estimates))


def _distances(lags: int | Iterable[int]) -> tuple[int, ...]:
    values = tuple(lags) if isinstance(lags, Iterable) else (lags,)
    odd = [v for v in values if isinstance(v, bool) or not isinstance(v, Integral)]
    if odd or not values or len(set(values)) < len(values):
        raise OptionError(f"`lags` must be whole numbers, each once, as range(21), got {lags!r}.")
    return tuple(int(value) for value in values)
