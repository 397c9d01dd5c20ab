"""What an estimator returns: a value, its interval, whether it is a bound, and cautions."""

import importlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from mineral import figures
from mineral.basics.types import NATS_PER_UNIT, Kind, PerSample, Unit, X, Y
from mineral.decision import Decision
from mineral.errors import OptionError
from mineral.figures.card import card

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


SCHEMA = 1  # of `to_dict`; docs/json.md
MOST_IN_SYMBOL = 3  # names of a side in I(height, age; weight)


@dataclass(frozen=True)
class Caution:
    """A reason to doubt an estimate.

    Attributes:
        code: Machine-readable, stable between releases: `"ties"`, `"near-ceiling"`, …
        message: One or two sentences: the observation, and what to do.
    """

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The curve of one training run, in nats.

    Attributes:
        steps: Gradient steps at each check.
        training: The bound on training rows.
        validation: The bound on validation rows, for early stopping.
        best: The index of the check whose critic was kept.
    """

    steps: tuple[int, ...]
    training: tuple[float, ...]
    validation: tuple[float, ...]
    best: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The data for plots: some of the samples, and their pointwise values.

    Attributes:
        x, y: Up to a few thousand of the sample rows, as they came. Shapes (m, dx) and (m, dy).
        pointwise: The pointwise mutual information of these rows in nats, shape (m,), or None.
        x_names, y_names: A label for each coordinate.
        curves: One for each training run.
        z_names: A label for each coordinate of the condition.
        x_levels, y_levels: For each categorical coordinate, by its name, the names of its
            categories: category i is coded as i.
    """

    x: X
    y: Y
    pointwise: PerSample | None
    x_names: tuple[str, ...]
    y_names: tuple[str, ...]
    curves: tuple[Curve, ...] = ()
    z_names: tuple[str, ...] = ()
    x_levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    y_levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@runtime_checkable
class PointwiseModel(Protocol):
    """A learned log density ratio. What `Estimate.model` holds."""

    def pmi(self, x: Any, y: Any) -> np.ndarray:  # noqa: ANN401
        """The pointwise mutual information of new pairs in nats, shape (n,)."""
        ...

    def of_products(self, x: Any, y: Any, partners: Any) -> np.ndarray:  # noqa: ANN401
        """Of each row of x with the y of its m partners, in nats, shape (n, m)."""
        ...

    def save(self, path: Any) -> None:  # noqa: ANN401
        """Write the model to one safetensors file."""
        ...


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An estimate of the mutual information I(X; Y), or I(X; Y | Z), with its uncertainty.

    `float(estimate)` is the value. Negative values are returned as they are: near independence
    an unbiased estimator must sometimes be negative.

    Attributes:
        value: The estimate, in `unit`.
        interval: The ends of the confidence interval, in `unit`. With z standard errors at its
            level (1.96 at 95 %), it reaches from value − z·stderr to
            value + √((z·stderr)² + allowance²). No interval exceeds the entropy of a label.
        confidence: The level of `interval`: 0.95 by default.
        stderr: The standard error of sampling, in `unit`.
        allowance: The addition to the upper end for dependence that such estimates miss, in `unit`:
            measured on random distributions for the default (`benchmarks/atlas.py`), 0 for an
            estimator that you name, whose interval does not allow for its bias.
        unit: `"nats"` or `"bits"`.
        kind: Whether `value` is, in expectation, a bound on the true mutual information.
        estimator: The name of the estimator that was called. With `options`, `seed` and the same
            samples it gives the same value again, bit for bit.
        options: Its options: `estimate(x, y, estimator=r.estimator, seed=r.seed, **r.options)`.
        decision: The candidates of the default, and what it reports; None for other estimators.
        n: Sample rows used.
        dim_x, dim_y: Coordinates of X and of Y.
        dim_z: Coordinates of the condition Z; None without `given`.
        warnings: Reasons not to trust the value, most important first.
        path: How the value was computed, in sentences.
        seed: Random seed: the same samples and seed give the same estimate.
        seconds: Wall time.
        versions: Of Mineral, its libraries and Python.
        p_value: Of `mineral.independence`, if `permutations` is above 0: the probability that
            independent samples appear as dependent. Never 0.
        model: The learned log density ratio (`model.pmi`, `model.save`), or None.
        evidence: The data for plots and reports.
    """

    value: float
    interval: tuple[float, float]
    confidence: float
    stderr: float
    allowance: float = 0.0
    unit: Unit
    kind: Kind
    estimator: str
    options: Mapping[str, Any]
    n: int
    dim_x: int
    dim_y: int
    warnings: tuple[Caution, ...]
    path: tuple[str, ...]
    seed: int
    seconds: float = field(compare=False)
    versions: Mapping[str, str]
    p_value: float | None = None
    decision: Decision | None = None
    dim_z: int | None = None
    model: PointwiseModel | None = field(compare=False, repr=False)
    evidence: Evidence = field(compare=False, repr=False)

    def to(self, unit: Unit) -> "Estimate":
        """The same estimate in another unit.

        Example:
            >>> import numpy as np, mineral
            >>> x = np.random.default_rng(0).normal(size=(500, 2)) @ [[1, 0.6], [0, 0.8]]
            >>> estimate = mineral.Gaussian().estimate(x[:, 0], x[:, 1])
            >>> round(estimate.value / estimate.to("bits").value, 6)  # nats in a bit
            0.693147

        Raises:
            ValueError: If the unit is neither `"nats"` nor `"bits"`.
        """
        factor = NATS_PER_UNIT[self.unit] / nats_per(unit)
        low, high = self.interval
        return replace(
            self,
            value=self.value * factor,
            interval=(low * factor, high * factor),
            stderr=self.stderr * factor,
            allowance=self.allowance * factor,
            unit=unit,
            path=(*self.steps, *self._sentences(unit)),
        )

    @property
    def steps(self) -> tuple[str, ...]:
        """`path` without the sentences that `decision` makes."""
        count = len(self._sentences(self.unit))
        return self.path[: len(self.path) - count]

    def _sentences(self, unit: Unit) -> tuple[str, ...]:
        return () if self.decision is None else self.decision.sentences(unit)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the model and the evidence, as JSON can hold it."""
        return {
            "schema": SCHEMA,
            "value": self.value,
            "interval": list(self.interval),
            "confidence": self.confidence,
            "stderr": self.stderr,
            "allowance": self.allowance,
            "p_value": self.p_value,
            "unit": self.unit,
            "kind": self.kind,
            "estimator": self.estimator,
            "options": {name: as_json(value) for name, value in self.options.items()},
            "decision": None if self.decision is None else self.decision.to_dict(),
            "n": self.n,
            "dim_x": self.dim_x,
            "dim_y": self.dim_y,
            "dim_z": self.dim_z,
            "x_names": list(self.evidence.x_names),
            "y_names": list(self.evidence.y_names),
            "z_names": list(self.evidence.z_names),
            "warnings": [{"code": w.code, "message": w.message} for w in self.warnings],
            "path": list(self.path),
            "seed": self.seed,
            "seconds": self.seconds,
            "versions": dict(self.versions),
        }

    def plot(self, ax: "Axes | None" = None) -> "Figure":
        """A matplotlib figure: the value with its interval, the samples, the training curves.

        `plt.show()` shows it in a program that has imported pyplot; a notebook shows it where it is
        the last of a cell. No setting of matplotlib's is changed.

        Args:
            ax: Axes of yours, into which the most dependent pair of coordinates is drawn.

        Returns:
            The figure: of `ax` where it is given.

        Raises:
            MissingExtraError: If matplotlib is not installed.
        """
        return figures.overview(self) if ax is None else figures.single(self, ax)

    def report(
        self,
        path: "str | os.PathLike[str]",
        *,
        title: str | None = None,
        command: str | None = None,
    ) -> None:
        """Write an HTML page: the number, the doubts, the samples, how to repeat it.

        Args:
            path: The file, which ends in .html; replaced if it exists.
            title: The heading; None names the variables.
            command: What reproduces the estimate; None for the Python call.

        Raises:
            MissingExtraError: If jinja2 or matplotlib is not installed.
            OptionError: If the file's name ends in something else than .html.
            InputError: If the file cannot be written.
        """
        # By name: the report is built on this module, and is loaded where one is wanted.
        importlib.import_module("mineral.report").write(self, path, title=title, command=command)

    @property
    def symbol(self) -> str:
        """`I(height; weight | age)`, or `I(X; Y | Z)` where columns have no names or are many."""
        seen = self.evidence
        condition = "" if self.dim_z is None else f" | {_of(seen.z_names, 'Z')}"
        return f"I({_of(seen.x_names, 'X')}; {_of(seen.y_names, 'Y')}{condition})"

    @property
    def dims_in_words(self) -> str:
        """`1 + 2 dimensions given 3`: of X, of Y, and of the condition where there is one."""
        condition = "" if self.dim_z is None else f" given {self.dim_z}"
        return f"{self.dim_x} + {self.dim_y} dimensions{condition}"

    @property
    def method(self) -> str:
        """The estimator and, of the default, what it reports: `auto (87% ksg, 13% copula)`."""
        if self.decision is None:
            return self.estimator
        return f"{self.estimator} ({self.decision.summary()})"

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        low, high = self.interval
        lines = [
            f"{self.symbol} = {self.value:.4g} {self.unit}, "
            f"{100 * self.confidence:.4g}% interval [{low:.4g}, {high:.4g}]{self._tested()}",
            f"  {self.method}, {self._kind_in_words()}; n = {self.n:,}, "
            f"{self.dims_in_words}, {self.seconds:.2g} s",
        ]
        lines += [f"  {sentence}" for sentence in self.path]
        lines += [f"  ! {caution}" for caution in self.warnings]
        return "\n".join(lines)

    def _tested(self) -> str:
        return "" if self.p_value is None else f", p = {self.p_value:.3g}"

    def _repr_html_(self) -> str:
        """A small card, shown by notebooks."""
        return card(self, f"{self.method}, {self._kind_in_words()}", self._tested())

    def _kind_in_words(self) -> str:
        return {
            "lower bound": "a lower bound",
            "upper bound": "an upper bound",
            "neither": "neither a lower nor an upper bound",
        }[self.kind]


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """An entropy, a divergence or information among many variables, with its uncertainty.

    Attributes:
        symbol: `"H(X)"`, `"H(X | Z)"`, `"KL(p ‖ q)"`, `"TC(X)"`, `"DTC(X)"`, `"Ω(X)"`, …
        value: The estimate, in `unit`.
        interval: The ends of the confidence interval, for the randomness of the samples.
        confidence: Its level.
        stderr: The standard error behind it, in `unit`.
        unit: `"nats"` or `"bits"`.
        estimator: What produced the value.
        n: Rows of each sample.
        dim: Coordinates.
        warnings: Reasons not to trust the value.
    """

    symbol: str
    value: float
    interval: tuple[float, float]
    confidence: float
    stderr: float
    unit: Unit
    estimator: str
    n: tuple[int, ...]
    dim: int
    warnings: tuple[Caution, ...] = ()

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        low, high = self.interval
        first = (
            f"{self.symbol} = {self.value:.4g} {self.unit}, "
            f"{100 * self.confidence:.4g}% interval [{low:.4g}, {high:.4g}]"
        )
        return "\n".join([first, *(f"  ! {caution}" for caution in self.warnings)])


def _of(names: tuple[str, ...], letter: str) -> str:
    """The names of a side, or its letter where names are many, or are not the caller's."""
    own = "(z|given)?" if letter == "Z" else f"{letter.lower()}?"
    if len(names) > MOST_IN_SYMBOL or all(re.fullmatch(rf"{own}\d*", n) for n in names):
        return letter
    return ", ".join(names)


def nats_per(unit: str) -> float:
    """How many nats one `unit` is. Raises ValueError for anything but nats and bits."""
    if not isinstance(unit, str) or unit not in NATS_PER_UNIT:
        raise OptionError(f"`unit` must be 'nats' or 'bits', got {unit!r}.")
    return NATS_PER_UNIT[unit]


def as_json(value: object) -> object:
    """As JSON can hold it: numbers, texts and lists of them; of another object its description."""
    if isinstance(value, (bool, int, float, str)) or value is None:
        return value
    if isinstance(value, (tuple, list)):
        return [as_json(item) for item in value]
    return repr(value)
