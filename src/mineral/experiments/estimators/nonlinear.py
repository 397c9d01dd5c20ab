"""Y = f(X) + σ · noise for several f: is information the same for every f, at equal noise?

X is uniform on (−1, 1) and the noise standard normal, so that

    I(X; Y) = h(Y) − ½ log(2πe σ²),     p(y) = ½ ∫ φ((y − f(x)) / σ) / σ dx,

which quadrature gives to ten digits: what is shown as the truth is no estimate. At σ = 0
information is infinite for each of these f, whatever an estimate says: the sweep begins above.

Equitability is often described as: only the noise matters, not f. The truth itself
obeys it only so far: a cube leaves most of X near 0, where the noise hides it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from jaxtyping import Float

from mineral.errors import OptionError
from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.experiments.measuring import LABELS, estimators, measured, values
from mineral.experiments.writing import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Function: TypeAlias = Callable[[np.ndarray], np.ndarray]

FUNCTIONS: dict[str, Function] = {"x": lambda x: x, "x3": lambda x: x**3, "sin": np.sin}
NAMES = {"x": "x", "x3": "x³", "sin": "sin x"}
NODES = 400  # of Gauss and Legendre: exact to rounding where σ is at least 0.02
REACH = 10.0  # standard deviations of the noise beyond the range of f
FINEST = 0.02


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of the non-linear dependence.

    Attributes:
        functions: f, by name.
        sigmas: σ, of at least 0.02.
        rows: Samples of each f and σ.
        seeds: Repetitions, each with samples of its own.
        methods: Estimators by name.
        steps, batch_size, learning_rate, hidden: Of the critics.
    """

    functions: tuple[str, ...] = ("x", "x3", "sin")
    sigmas: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    rows: int = 5000
    seeds: int = 1
    methods: tuple[str, ...] = ("mine", "ksg", "auto")
    steps: int = 1000
    batch_size: int = 512
    learning_rate: float = 5e-3
    hidden: tuple[int, ...] = (64, 64)


def information(f: Function, sigma: float) -> float:
    """I(X; f(X) + σ · noise) in nats, by quadrature.

    The trapezoidal rule over y converges faster than any power of its step, which is a tenth of σ;
    over x, Gauss and Legendre's.

    Raises:
        OptionError: If σ is too small for the nodes.
    """
    if not sigma >= FINEST:
        raise OptionError(
            f"`sigma` must be at least {FINEST}, got {sigma}: at 0, information is infinite."
        )
    x, weights = np.polynomial.legendre.leggauss(NODES)
    centres = f(x)
    reach, step = REACH * sigma, sigma / 10
    y = np.arange(centres.min() - reach, centres.max() + reach, step)
    z = (y[:, None] - centres) / sigma
    density = np.exp(-(z**2) / 2) @ weights / (2 * sigma * math.sqrt(2 * math.pi))
    entropy = -np.where(density > 0, density * np.log(np.maximum(density, 1e-300)), 0).sum() * step
    return float(entropy) - math.log(2 * math.pi * math.e * sigma**2) / 2


def deviation(f: Function) -> float:
    """The standard deviation of f(X)."""
    x, weights = np.polynomial.legendre.leggauss(NODES)
    mean = weights @ f(x) / 2
    return math.sqrt(float(weights @ (f(x) - mean) ** 2) / 2)


def key(function: str, sigma: float, seed: int) -> str:
    """Of the cell."""
    return f"{function}-sigma{sigma:g}-{seed}"


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """All estimators on one sample: of each f, σ and repetition.

    Raises:
        OptionError: If there is no such f, or a σ is too small.
    """
    for name in settings.functions:
        if name not in FUNCTIONS:
            raise OptionError(f"`functions` are {', '.join(FUNCTIONS)}: got {name!r}.")
    if not min(settings.sigmas) >= FINEST:
        raise OptionError(
            f"`sigmas` must be at least {FINEST}, got {min(settings.sigmas)}: at 0, information is "
            "infinite."
        )
    return {
        key(function, sigma, seed): partial(measure, function=function, sigma=sigma)
        for seed in range(settings.seeds)
        for function in settings.functions
        for sigma in settings.sigmas
    }


def measure(context: Context[Settings], *, function: str, sigma: float) -> Numbers:
    """What each estimator says of one sample."""
    settings, rng = context.settings, context.rng("samples", context.key)
    x = rng.uniform(-1, 1, (settings.rows, 1))
    y = FUNCTIONS[function](x) + sigma * rng.standard_normal(x.shape)
    each = estimators(
        settings.methods,
        hidden=settings.hidden,
        steps=settings.steps,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
    )
    return {"measured": measured(context, each, x, y)}


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """The truth, the means over seeds beside it, and how far f matters at equal noise."""
    truths = np.array(
        [
            [information(FUNCTIONS[name], sigma) for sigma in settings.sigmas]
            for name in settings.functions
        ]
    )
    keys = [
        [key(f, sigma, seed) for seed in range(settings.seeds)]
        for f in settings.functions
        for sigma in settings.sigmas
    ]
    found = {
        name: values(results, keys, name).reshape(*truths.shape, settings.seeds)
        for name in settings.methods
    }
    means = {"truth": truths} | {name: of.mean(axis=2) for name, of in found.items()}
    errors = {name: np.abs(of - truths[..., None]).mean(axis=(1, 2)) for name, of in found.items()}
    return Conclusion(
        metrics={
            "sigmas": settings.sigmas,
            "functions": settings.functions,
            "truth": truths.tolist(),
            "values": {name: of.tolist() for name, of in found.items()},
            "errors": {name: of.tolist() for name, of in errors.items()},
            "spread": {name: np.ptp(of, axis=0).tolist() for name, of in means.items()},
        },
        tables=[_errors(settings, errors), _spreads(settings, means)],
        figures={"nonlinear": _draw(settings, means)},
        sentences=_sentences(settings, means, found),
    )


def _errors(settings: Settings, errors: Mapping[str, np.ndarray]) -> Table:
    return Table(
        title=(
            f"Mean absolute error in nats, n = {settings.rows:,}, over {len(settings.sigmas)} σ, "
            f"{settings.seeds} × each"
        ),
        header=["method", *(NAMES[name] for name in settings.functions)],
        rows=[
            [LABELS.get(name, name), *(number(error, 3) for error in of.tolist())]
            for name, of in errors.items()
        ],
    )


def _spreads(settings: Settings, means: Mapping[str, np.ndarray]) -> Table:
    """Where equitability held, this would be 0."""
    return Table(
        title="Range of the information over f (largest minus smallest) at the same σ, in nats",
        header=["", *(f"σ = {sigma:g}" for sigma in settings.sigmas)],
        rows=[
            [LABELS.get(name, name), *(number(spread, 2) for spread in np.ptp(of, axis=0).tolist())]
            for name, of in means.items()
        ],
    )


def _draw(settings: Settings, means: Mapping[str, Float[np.ndarray, "f sigma"]]) -> "Figure":
    figure, axes = drawings.panels(len(means), columns=2, width=4.6, height=1.7)
    top = float(means["truth"].max())
    for panel, (name, of) in zip(axes, means.items(), strict=True):
        panel.imshow(of, aspect="auto", cmap="Blues", vmin=0, vmax=1.25 * top)
        for row, column in np.ndindex(of.shape):
            panel.text(
                column,
                row,
                number(float(of[row, column]), 2),
                ha="center",
                va="center",
                fontsize=7,
                color="white" if of[row, column] > 0.8 * top else drawings.TRUTH,
            )
        panel.set_xticks(range(len(settings.sigmas)), [f"{sigma:g}" for sigma in settings.sigmas])
        panel.set_yticks(range(of.shape[0]), [NAMES[each] for each in settings.functions])
        title = "truth (quadrature)" if name == "truth" else LABELS.get(name, name)
        drawings.label(panel, f"{title}, nats", "σ")
    return figure


def _sentences(
    settings: Settings, means: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray]
) -> list[str]:
    truths, (first, last) = means["truth"], (settings.sigmas[0], settings.sigmas[-1])
    high, low = (settings.functions[i] for i in (truths[:, 0].argmax(), truths[:, 0].argmin()))
    spread = np.ptp(truths, axis=0)
    sentences = [
        f"Equal noise does not give equal information: at σ = {first:g} the truth is "
        f"{truths[:, 0].max():.2f} nats for {NAMES[high]} and {truths[:, 0].min():.2f} for "
        f"{NAMES[low]}, a difference of {spread[0]:.2f} nats, and at σ = {last:g} it is "
        f"{truths[:, -1].max():.3f} and {truths[:, -1].min():.3f}, a factor of "
        f"{truths[:, -1].max() / truths[:, -1].min():.1f}.",
        _at_equal_ratio(settings),
    ]
    for name, of in found.items():
        worst = np.unravel_index(np.abs(means[name] - truths).argmax(), truths.shape)
        error = float(np.abs(of - truths[..., None]).mean())
        sentences.append(
            f"{LABELS.get(name, name)} has a mean absolute error of {error:.3f} nats. The error "
            f"is largest for {NAMES[settings.functions[worst[0]]]} at σ = "
            f"{settings.sigmas[worst[1]]:g}: {means[name][worst]:.2f} instead of "
            f"{truths[worst]:.2f}."
        )
    sentences.append(
        "σ = 0 is excluded: information is infinite there. The functions and the range of σ are "
        "taken from other papers' accounts of this one, not verified in its text; it shows a heat "
        "map, without numbers to compare with."
    )
    return sentences


def _at_equal_ratio(settings: Settings) -> str:
    """What of the spread is left once the noise is counted in standard deviations of f(X)."""
    at = {
        name: np.array(
            [
                information(FUNCTIONS[name], max(FINEST, sigma * deviation(FUNCTIONS[name])))
                for sigma in settings.sigmas
            ]
        )
        for name in settings.functions
    }
    spread = np.ptp(np.array(list(at.values())), axis=0)
    return (
        "Most of this difference is due to the scale of f(X): with σ in units of the standard "
        f"deviation of f(X), the difference is {spread[0]:.2f} nats at σ = "
        f"{settings.sigmas[0]:g}, and {spread[-1]:.3f} at {settings.sigmas[-1]:g}. To this "
        "extent, the information is equitable."
    )


NONLINEAR = Experiment(
    name="nonlinear",
    title=(
        "Information of Y = f(X) + noise for several f and noise levels: MINE, KSG and the default"
    ),
    source="Belghazi et al. (2018), MINE, arXiv:1801.04062",
    quick=Settings(),
    full=Settings(
        sigmas=tuple(round(0.05 * i, 2) for i in range(1, 19)),
        rows=20_000,
        seeds=5,
        steps=5000,
        learning_rate=1e-3,
        hidden=(256, 256),
    ),
    cells=cells,
    conclude=conclude,
)
