"""MINE against estimators without training, for Gaussians with correlations from −1 to 1.

X and Y have d coordinates each, and X_i correlates with Y_i by ρ: I(X; Y) = −d/2 log(1 − ρ²). Every
estimator gets the same samples. A critic is evaluated on held-out rows, so that its value is an
estimate, not the training objective.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.experiments.measuring import LABELS, estimators, measured, values
from mineral.experiments.writing import number
from mineral.tasks.families.elliptical import Pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PUBLISHED = {  # gtegner/mine-pytorch, All Experiments.ipynb, d = 1: |ρ| to its two values
    0.99: (1.759, 1.764),
    0.849: (0.595, 0.647),
    0.707: (0.338, 0.329),
    0.0: (0.005,),
}
SHARES = {"": np.inf, "I < log n, ": 1.0, "I < ½ log n, ": 0.5}  # of log n: the largest truth


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of the estimation of Gaussians.

    Attributes:
        dims: d, of X and of Y.
        correlations: ρ.
        rows: Samples of each ρ.
        seeds: Repetitions, each with samples of its own.
        methods: Estimators by name; "nwj" is MINE-f.
        steps, batch_size, learning_rate, hidden: Of the critics.
    """

    dims: tuple[int, ...] = (1, 2, 20)
    correlations: tuple[float, ...] = (-0.99, -0.849, -0.707, -0.4, 0.0, 0.4, 0.707, 0.849, 0.99)
    rows: int = 5000
    seeds: int = 1
    methods: tuple[str, ...] = ("mine", "nwj", "ksg", "gaussian", "auto")
    steps: int = 500
    batch_size: int = 256
    learning_rate: float = 2e-3
    hidden: tuple[int, ...] = (64, 64)


def truth(dim: int, rho: float) -> float:
    """−d/2 log(1 − ρ²), in nats."""
    return abs(Pairs(correlations=(rho,) * dim, dim_x=dim, dim_y=dim).information)  # never −0


def key(dim: int, rho: float, seed: int) -> str:
    """Of the cell."""
    return f"d{dim}-rho{rho:+g}-{seed}"


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """All estimators on one sample: of each dimension, correlation and repetition."""
    return {
        key(dim, rho, seed): partial(measure, dim=dim, rho=rho)
        for seed in range(settings.seeds)
        for dim in settings.dims
        for rho in settings.correlations
    }


def measure(context: Context[Settings], *, dim: int, rho: float) -> Numbers:
    """What each estimator says of one sample."""
    settings = context.settings
    law = Pairs(correlations=(rho,) * dim, dim_x=dim, dim_y=dim)
    drawn = law(settings.rows, context.rng("samples", context.key))
    each = estimators(
        settings.methods,
        hidden=settings.hidden,
        steps=settings.steps,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
    )
    return {"measured": measured(context, each, drawn.x, drawn.y)}


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """Errors by dimension, the curves, and the values of the public implementation beside ours."""
    across = settings.correlations
    truths = {dim: np.array([truth(dim, rho) for rho in across]) for dim in settings.dims}
    keys = {
        dim: [[key(dim, rho, s) for s in range(settings.seeds)] for rho in across]
        for dim in settings.dims
    }
    found = {
        name: {dim: values(results, keys[dim], name) for dim in settings.dims}
        for name in settings.methods
    }
    limit = float(np.log(settings.rows))
    errors = {
        name: {
            f"{part}d = {dim}": _error(found[name][dim], truths[dim], share * limit)
            for dim in settings.dims
            for part, share in SHARES.items()
        }
        for name in settings.methods
    }
    return Conclusion(
        metrics={
            "correlations": across,
            "truth": {str(dim): truths[dim].tolist() for dim in settings.dims},
            "values": {
                name: {str(dim): of.tolist() for dim, of in found[name].items()} for name in found
            },
            "errors": errors,
        },
        tables=[_errors(settings, truths, errors, limit), *_beside(settings, found)],
        figures={"estimation": _draw(settings, truths, found)},
        sentences=_sentences(settings, truths, found, limit),
    )


def _error(of: np.ndarray, truths: np.ndarray, most: float) -> float:
    """Mean absolute error over the correlations whose truth is below `most`, and over seeds."""
    return float(np.abs(of - truths[:, None])[truths < most].mean())


def _errors(
    settings: Settings,
    truths: Mapping[int, np.ndarray],
    errors: Mapping[str, Mapping[str, float]],
    limit: float,
) -> Table:
    """In dimensions where some truths exceed log n, also without these, and up to half of it."""
    columns = [
        f"{part}d = {dim}"
        for dim in settings.dims
        for part in SHARES
        if not part or truths[dim].max() > limit
    ]
    return Table(
        title=(
            f"Mean absolute error in nats, n = {settings.rows:,}, over "
            f"{len(settings.correlations)} correlations, {settings.seeds} × each; "
            f"log n = {limit:.1f}"
        ),
        header=["method", *columns],
        rows=[
            [LABELS.get(name, name), *(number(errors[name][column], 3) for column in columns)]
            for name in settings.methods
        ],
    )


def _beside(settings: Settings, found: Mapping[str, Mapping[int, np.ndarray]]) -> list[Table]:
    """MINE in one dimension, where the public implementation printed numbers."""
    if 1 not in settings.dims or "mine" not in settings.methods:
        return []
    of = dict(zip(settings.correlations, found["mine"][1], strict=True))
    rows = []
    for rho, theirs in PUBLISHED.items():
        ours = [of[sign] for sign in dict.fromkeys((-rho, rho)) if sign in of]
        if ours:
            texts = [number(float(value.mean()), 3) for value in ours]
            printed = " / ".join(number(value, 3) for value in theirs)
            rows.append([f"{rho:g}", number(truth(1, rho), 3), " / ".join(texts), printed])
    return [
        Table(
            title=(
                "MINE at −ρ / ρ, d = 1: ours on held-out samples; gtegner/mine-pytorch on the "
                "samples that it trained on (its notebook, one run)"
            ),
            header=["ρ, up to its sign", "truth", "ours", "gtegner/mine-pytorch"],
            rows=rows,
        )
    ]


def _draw(
    settings: Settings,
    truths: Mapping[int, np.ndarray],
    found: Mapping[str, Mapping[int, np.ndarray]],
) -> "Figure":
    figure, axes = drawings.panels(
        len(settings.dims), columns=len(settings.dims), height=3.0, share=False
    )
    for panel, dim in zip(axes, settings.dims, strict=True):
        panel.plot(settings.correlations, truths[dim], color=drawings.TRUTH, linewidth=4, alpha=0.2)
        drawings.lines(
            panel,
            settings.correlations,
            {
                LABELS.get(name, name): found[name][dim].mean(axis=1).tolist()
                for name in settings.methods
            },
        )
        top = float(truths[dim].max())
        panel.set_ylim(-0.1 * top, 1.1 * top)  # MINE-f may be far below
        drawings.label(panel, f"d = {dim}", "ρ", "nats")
    drawings.legend(axes[-1], where="upper center")
    return figure


def _sentences(
    settings: Settings,
    truths: Mapping[int, np.ndarray],
    found: Mapping[str, Mapping[int, np.ndarray]],
    limit: float,
) -> list[str]:
    sentences = [
        "Grey: the truth. Values below the panel are in metrics.json. Critics are cross-fitted in "
        "three folds: each is evaluated on the third of the samples that it was not trained on.",
        "`gaussian` and the default, which selects a Gaussian copula here, assume the true model: "
        "no other estimator should match them on these samples, and the result does not carry "
        "over to other distributions.",
    ]
    dim = max(settings.dims)
    high = truths[dim] > limit
    if high.any() and "mine" in found:
        most = float(found["mine"][dim][high].max())
        sentences.append(
            f"In {dim} dimensions the truth goes up to {truths[dim].max():.1f} nats, and MINE to "
            f"{most:.1f} on held-out samples. No lower bound from n samples is reliable far above "
            f"log n = {limit:.1f}, however it is trained (McAllester & Stratos 2020)."
        )
    if high.any() and "ksg" in found:
        most = float(found["ksg"][dim].max())
        sentences.append(
            f"KSG reaches {most:.1f} nats in {dim} dimensions: nearest neighbours are biased far "
            "downwards there."
        )
    sentences.append(
        "The paper shows curves, without a table to compare with; its settings are taken from "
        "other papers, not verified in its text."
    )
    return sentences


ESTIMATION = Experiment(
    name="estimation",
    title="MINE against KSG, a Gaussian and the default, on Gaussians of 1, 2 and 20 dimensions",
    source=(
        "Belghazi et al. (2018), MINE, arXiv:1801.04062; numbers of gtegner/mine-pytorch from its "
        "notebook `All Experiments.ipynb`"
    ),
    quick=Settings(),
    standard=Settings(
        correlations=(0.0, 0.2, 0.4, 0.707, 0.849, 0.99),
        seeds=5,
        methods=("mine", "nwj", "residual", "ksg", "gaussian", "auto"),
        steps=1000,
    ),
    full=Settings(
        correlations=(
            *(-0.99, -0.9, -0.849, -0.8, -0.707, -0.6, -0.4, -0.2, 0.0),
            *(0.2, 0.4, 0.6, 0.707, 0.8, 0.849, 0.9, 0.99),
        ),
        rows=20_000,
        seeds=5,
        steps=5000,
        batch_size=512,
        learning_rate=1e-3,
        hidden=(256, 256),
    ),
    cells=cells,
    conclude=conclude,
)
