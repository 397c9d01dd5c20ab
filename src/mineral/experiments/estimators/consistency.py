"""Three properties of mutual information, tested on MNIST, where its value is unknown.

Y_t is the image X with its first t rows, and nothing below. Then

    baseline         I(X; Y_t) / I(X; Y_28)                         must rise with t, from 0 to 1
    data processing  I([X, X]; [Y_t, Y_t−3]) / I(X; Y_t)            must be 1
    additivity       I([X, X']; [Y_t, Y'_t]) / I(X; Y_t)            must be 2, X' another image

A critic learns on training images, and the value is of test images.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mineral import mnist
from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.experiments.streaming import learning, of_bound
from mineral.experiments.writing import number
from mineral.methods import MINE, NWJ, SMILE, InfoNCE, JensenShannon, ReMINE
from mineral.methods.neural.critics import Neural
from mineral.networks.scoring import Pairs, score_all

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = mnist.SIDE
LEAST = 0.1  # nats: what is shown of fewer is too close to zero to divide by
METHODS: dict[str, Neural] = {
    "infonce": InfoNCE(),
    "nwj": NWJ(),
    "mine": MINE(),
    "js": JensenShannon(),
    "smile-1": SMILE(tau=1.0),
    "smile-5": SMILE(tau=5.0),
    "smile-inf": SMILE(tau=math.inf),
    "remine": ReMINE(),
}
TRAININGS = {  # whose scores each method reads, where not its own
    "smile-1": "js",
    "smile-5": "js",
    "smile-inf": "js",
}
TESTS = ("single", "processing", "additivity")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of the three tests.

    Attributes:
        methods: Of `METHODS`.
        rows: t; the last should be 28, by which the baseline is divided.
        behind: By how many rows the second view of data processing is behind.
        steps, batch, learning_rate: Of training, with Adam.
        block: Images of a batch that are compared with each other.
        channels, hidden: Of the critic's two convolutions and its layer before the last.
        test_images: That the value is of.
        test_block: Of these, how many are compared with each other.
    """

    methods: tuple[str, ...] = tuple(METHODS)
    rows: tuple[int, ...] = (3, 6, 9, 12, 15, 18, 21, 24, 28)
    behind: int = 3
    steps: int = 10_000
    batch: int = 100
    learning_rate: float = 1e-4
    block: int = 10
    channels: tuple[int, ...] = (64, 128)
    hidden: int = 1024
    test_images: int = 10_000
    test_block: int = 50


class PairOfImages(nn.Module):
    """f(x, y): 5 × 5 convolutions of both images together, each halving their sides; two layers.

    The first convolution is a sum of one of x and one of y: only the sum is of pairs.

    Args:
        dim_x: Pixels of x, in one or more images.
        dim_y: Pixels of y, in as many.
        channels: Of the convolutions.
        hidden: Units of the layer before the last.

    References:
        Song & Ermon (2020), arXiv:1910.06222.
    """

    def __init__(self, dim_x: int, dim_y: int, *, channels: tuple[int, ...], hidden: int) -> None:
        super().__init__()
        first, *later = channels
        convolution: Any = partial(nn.Conv2d, kernel_size=5, stride=2, padding=2)
        self.of_x = convolution(dim_x // SIDE**2, first)
        self.of_y = convolution(dim_y // SIDE**2, first, bias=False)
        layers: list[nn.Module] = [nn.ReLU()]
        width, side = first, SIDE // 2
        for count in later:
            layers += [convolution(width, count), nn.ReLU()]
            width, side = count, (side + 1) // 2
        layers += [nn.Flatten(), nn.Linear(width * side**2, hidden), nn.ReLU()]
        self.rest = nn.Sequential(*layers, nn.Linear(hidden, 1))

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        pairs = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
        maps = self._first(self.of_x, x) + self._first(self.of_y, y)
        scores: Tensor = self.rest(maps.reshape(-1, *maps.shape[-3:]))
        return scores.view(pairs)

    @staticmethod
    def _first(convolution: nn.Module, images: Tensor) -> Tensor:
        maps: Tensor = convolution(images.reshape(-1, images.shape[-1] // SIDE**2, SIDE, SIDE))
        return maps.view(*images.shape[:-1], *maps.shape[1:])


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """One training each: a test, t, and what is trained."""
    trainings = dict.fromkeys(TRAININGS.get(method, method) for method in settings.methods)
    return {
        f"{test}.rows{rows}.{training}": partial(train, test=test, rows=rows, training=training)
        for test in TESTS
        for rows in settings.rows
        for training in trainings
    }


def train(context: Context[Settings], *, test: str, rows: int, training: str) -> Numbers:
    """Train on one test at one t; the values of the methods that read these scores."""
    settings, device = context.settings, context.device
    critic = partial(PairOfImages, channels=settings.channels, hidden=settings.hidden)
    views = 1 if test == "single" else 2
    method = replace(METHODS[training], critic=critic)
    dim = views * SIDE**2
    learner = of_bound(method, dim, dim, block=settings.block, device=device)
    optimizer = torch.optim.Adam(learner.network.parameters(), lr=settings.learning_rate)
    pairs = _batches(context, test, rows)
    for step, _ in enumerate(learning(learner, pairs, optimizer, largest=10.0)):
        if step % 20 == 0:
            context.progress(step / settings.steps)
    rng = context.rng("test images")
    chosen = rng.permutation(len(_images("test")))[: settings.test_images]
    held_out = _pairs(_images("test")[chosen], test, rows, settings.behind, rng, device)
    scores = score_all(learner.network, held_out, settings.test_block)
    joint, product = (each.double() for each in scores)
    return {
        name: float(METHODS[name].bound(joint, product))
        for name in settings.methods
        if TRAININGS.get(name, name) == training
    }


@lru_cache(maxsize=2)
def _images(part: Any) -> Float[np.ndarray, "n 28 28"]:  # noqa: ANN401
    """Ink from 0 to 1."""
    return (mnist.load(part)[0] / 255).astype(np.float32)


def _batches(context: Context[Settings], test: str, rows: int) -> Iterator[Pairs]:
    settings, images = context.settings, _images("train")
    rng = context.rng("batches", test, str(rows))
    for _ in range(settings.steps):
        chosen = images[rng.integers(len(images), size=settings.batch)]
        yield _pairs(chosen, test, rows, settings.behind, rng, context.device)


def _pairs(
    images: np.ndarray,
    test: str,
    rows: int,
    behind: int,
    rng: np.random.Generator,
    device: torch.device,
) -> Pairs:
    """Images and their first rows, one or two of each in a row."""
    if test == "single":
        x, y = [images], [_first_rows(images, rows)]
    elif test == "processing":
        x = [images, images]
        y = [_first_rows(images, rows), _first_rows(images, max(0, rows - behind))]
    else:
        others = images[rng.permutation(len(images))]
        x, y = [images, others], [_first_rows(images, rows), _first_rows(others, rows)]
    sides = (np.stack(side, axis=1).reshape(len(images), -1) for side in (x, y))
    of_x, of_y = (torch.from_numpy(side).to(device) for side in sides)
    return of_x, of_y


def _first_rows(images: np.ndarray, rows: int) -> np.ndarray:
    return np.where(np.arange(SIDE)[:, None] < rows, images, np.float32(0))


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """The three ratios over t, and a score for each."""
    metrics = {method: _judged(settings, method, results) for method in settings.methods}
    judged = ("baseline", "processing", "additivity")
    table = Table(
        title="Mean distance from the required value (0 is perfect), and I(X; Y_28) in nats",
        header=["method", "baseline", "data processing", "additivity", "I(X; Y_28)"],
        rows=[
            [
                f"`{method}`",
                *(number(found[f"{name}_score"]) for name in judged),
                number(found["single"][-1]),
            ]
            for method, found in metrics.items()
        ],
    )
    return Conclusion(
        metrics=metrics,
        tables=[table],
        figures={"consistency": _draw(settings, metrics)},
        sentences=SENTENCES,
    )


def _judged(settings: Settings, method: str, results: Mapping[str, Numbers]) -> dict[str, Any]:
    """The values of a method, their ratios, and how far these are from what must be."""
    training = TRAININGS.get(method, method)
    values = {
        test: np.array(
            [results[f"{test}.rows{rows}.{training}"][method] for rows in settings.rows], float
        )
        for test in TESTS
    }
    single = values["single"]
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = np.where(single < LEAST, np.nan, single)
        baseline = single / shown[-1]
        processing, additivity = values["processing"] / shown, values["additivity"] / shown
    # A ratio that rises from 0 to 1 is its own sorted self, within these limits.
    rising = np.maximum.accumulate(np.clip(baseline, 0, 1))
    found: dict[str, Any] = {test: each.tolist() for test, each in values.items()}
    ratios = {"baseline": baseline, "processing": processing, "additivity": additivity}
    return {
        **found,
        **{f"{name}_ratio": each.tolist() for name, each in ratios.items()},
        "baseline_score": _distance(baseline - rising),
        "processing_score": _distance(processing - 1),
        "additivity_score": _distance(additivity - 2),
    }


def _distance(apart: np.ndarray) -> float:
    known = apart[np.isfinite(apart)]
    return float(np.abs(known).mean()) if len(known) else math.nan


def _draw(settings: Settings, metrics: Mapping[str, Numbers]) -> "Figure":
    titles = {"baseline": "baseline: rises to 1", "processing": "data processing: 1"}
    titles["additivity"] = "additivity: 2"
    figure, axes = drawings.panels(3, columns=3, width=3.6, height=3.0, share=False)
    for panel, (name, title) in zip(axes, titles.items(), strict=True):
        series = {method: found[f"{name}_ratio"] for method, found in metrics.items()}
        drawings.lines(panel, [float(rows) for rows in settings.rows], series)
        panel.axhline(2 if name == "additivity" else 1, color=drawings.TRUTH, linewidth=0.8)
        panel.set_ylim(-0.2, 3 if name == "additivity" else 2)
        drawings.label(panel, title, "rows shown", "ratio")
    drawings.legend(axes[-1])
    return figure


SENTENCES = (
    "The score of the baseline is the mean distance of the ratio from its running maximum within "
    "0 and 1; the scores of the other two are the mean distances from 1 and from 2, where the "
    f"estimate of I(X; Y_t) is at least {LEAST} nats. The paper has curves and no scores: these "
    "are ours.",
    "Y_t is a function of X, so that I(X; Y_t) is the entropy of the visible rows: more than a "
    "critic can estimate from ten thousand images. The test is of consistency, not of the value.",
    "A method with a ceiling is constant in the baseline test and passes data processing "
    "trivially; it fails additivity.",
    "Values are computed on test images, and critics are trained on other images; the paper's are "
    "computed on training batches.",
)

CONSISTENCY = Experiment(
    name="consistency",
    title="Self-consistency on MNIST: baseline, data processing and additivity",
    source="Song & Ermon (2020), SMILE, arXiv:1910.06222",
    quick=Settings(
        methods=("infonce", "nwj", "js", "smile-1", "smile-5", "smile-inf", "remine"),
        rows=(7, 12, 18, 28),
        steps=200,
        batch=64,
        block=4,
        learning_rate=1e-3,
        channels=(8, 16),
        hidden=64,
        test_images=2000,
        test_block=20,
    ),
    full=Settings(),
    cells=cells,
    conclude=conclude,
)
