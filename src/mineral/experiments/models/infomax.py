"""Deep InfoMax on MNIST: accuracy of a linear classifier on codes trained without labels.

An encoder learns by the global objective, with a critic (Jensen–Shannon, InfoNCE) or by the
gradient of its code's entropy (MIGE), or by InfoNCE between the codes of two views. Then logistic
regression learns the digits from the codes of training images, and is tested on those of test
images. Beside it: the same encoder as it was drawn, the pixels, and as many principal components as
the code has coordinates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mineral.errors import OptionError
from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.experiments.checkpoints import Checkpoint
from mineral.experiments.models import digits
from mineral.experiments.writing import number
from mineral.learning.infomax import OBJECTIVES, InfoMax
from mineral.system.threads import quiet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 28
RANDOM = "random encoder"
UNLEARNED = {"pixels": "pixels", "components": "principal components"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of Deep InfoMax.

    Attributes:
        objectives: Of `OBJECTIVES`.
        seeds: Encoders of each, and of random ones.
        dim_z: Of the code.
        channels: Of the convolutions.
        epochs, batch, learning_rate: Of Adam.
        images: Of the 50,000 for training, without labels.
        labelled: Of these, those whose labels the linear classifier sees.
        compared: Test images among which the information of a critic is measured: its logarithm is
            the most that InfoNCE can show.
    """

    objectives: tuple[str, ...] = OBJECTIVES
    seeds: int = 5
    dim_z: int = 64
    channels: tuple[int, ...] = (64, 128)
    epochs: int = 100
    batch: int = 256
    learning_rate: float = 1e-4
    images: int = 50_000
    labelled: int = 50_000
    compared: int = 1000


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """One encoder each; and what needs none."""
    for name in settings.objectives:
        if name not in OBJECTIVES:
            raise OptionError(f"`objectives` must be among {', '.join(OBJECTIVES)}, got {name!r}.")
    learned: dict[str, Cell[Settings]] = {
        f"{name}.seed{i}": partial(learn, objective=name, repeat=i)
        for name in settings.objectives
        for i in range(settings.seeds)
    }
    drawn: dict[str, Cell[Settings]] = {
        f"random.seed{i}": partial(learn, objective="", repeat=i) for i in range(settings.seeds)
    }
    without: dict[str, Cell[Settings]] = {name: partial(unlearned, kind=name) for name in UNLEARNED}
    return learned | drawn | without


def learn(context: Context[Settings], *, objective: str, repeat: int) -> Numbers:
    """Train an encoder, or none, and read digits from its codes."""
    settings, device = context.settings, context.device
    x, y = _images("train", settings.images)
    test = _images("test")
    model = InfoMax(
        (1, SIDE, SIDE),
        objective=objective or "infonce",
        dim_z=settings.dim_z,
        channels=settings.channels,
        learning_rate=settings.learning_rate,
        seed=context.seed_for("views", str(repeat)),
    ).to(device)
    rng = context.rng("batches", str(repeat))
    noted: list[float] = []
    checkpoint = Checkpoint(context.folder, model=model, rng=rng, noted=noted)
    batches = settings.images // settings.batch
    for epoch in checkpoint.steps(settings.epochs if objective else 0, every=1):
        order = torch.from_numpy(rng.permutation(settings.images))
        values = [
            model.learn(x[rows].to(device))
            for rows in order[: batches * settings.batch].view(batches, -1)
        ]
        noted.append(float(np.mean(values)))
        context.log("objective", noted[-1], epoch)
        context.progress((epoch + 1) / settings.epochs)
    if not objective:  # statistics of the batch normalization, and nothing else
        with torch.no_grad():
            model.train()(x[: 4 * settings.batch].to(device))
    with_critic = objective not in ("", "mige")
    few = test[0][: settings.compared].to(device)
    found = {
        "accuracy": _accuracy(settings, (model.encode(x), y), (model.encode(test[0]), test[1])),
        "objective": noted,
        "nats": model.nats(few) if with_critic else None,
    }
    checkpoint.remove()
    return found


def unlearned(context: Context[Settings], *, kind: str) -> Numbers:
    """The pixels themselves, or their principal components."""
    settings = context.settings
    (x, y), (at, of) = _images("train", settings.images), _images("test")
    x, at = x.flatten(1), at.flatten(1)
    if kind == "components":
        from sklearn.decomposition import PCA

        components = PCA(settings.dim_z).fit(x.numpy())
        x, at = (torch.from_numpy(components.transform(side.numpy())) for side in (x, at))
    return {"accuracy": _accuracy(settings, (x.numpy(), y), (at.numpy(), of))}


def _images(part: str, count: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    pixels, labels = digits.of(part)
    return pixels[:count].view(-1, 1, SIDE, SIDE), labels[:count]


def _accuracy(
    settings: Settings,
    training: tuple[np.ndarray, torch.Tensor],
    test: tuple[np.ndarray, torch.Tensor],
) -> float:
    """Of logistic regression on standardized codes."""
    from sklearn.linear_model import LogisticRegression

    codes, labels = training[0][: settings.labelled], training[1][: settings.labelled].numpy()
    mean, spread = codes.mean(0), codes.std(0)
    spread = np.where(spread > 1e-6, spread, 1)
    model = LogisticRegression(C=1.0, max_iter=200, tol=1e-3)
    with quiet():  # that it has not converged to the last digit
        model.fit((codes - mean) / spread, labels)
    return float(model.score((test[0] - mean) / spread, test[1].numpy()))


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """Accuracies, and the objectives while learning."""
    metrics: dict[str, Any] = {}
    for name in (*settings.objectives, "random"):
        runs = [results[f"{name}.seed{i}"] for i in range(settings.seeds)]
        each = 100 * np.array([run["accuracy"] for run in runs])
        nats = [run["nats"] for run in runs if run["nats"] is not None]
        metrics[name] = {
            "accuracy": float(each.mean()),
            "sd": float(each.std(ddof=1)) if len(each) > 1 else None,
            "nats": float(np.mean(nats)) if nats else None,
        }
    for name in UNLEARNED:
        metrics[name] = {"accuracy": 100 * results[name]["accuracy"], "sd": None, "nats": None}
    names = {"random": RANDOM, **UNLEARNED}
    table = Table(
        title=(
            f"% of test digits classified correctly by logistic regression from {settings.dim_z} "
            "coordinates (784 pixels), and a lower bound on I(features; Z) of test images in nats"
        ),
        header=["codes", "accuracy", "sd", "nats"],
        rows=[
            [
                names.get(name, f"`{name}`"),
                *(number(found[column]) for column in ("accuracy", "sd", "nats")),
            ]
            for name, found in metrics.items()
        ],
    )
    return Conclusion(
        metrics=metrics,
        tables=[table],
        figures={"infomax": _draw(metrics, names)},
        sentences=SENTENCES,
    )


def _draw(metrics: Mapping[str, Any], names: Mapping[str, str]) -> "Figure":
    figure, [axes] = drawings.panels(1, columns=1, width=5.2, height=2.6)
    shown = list(metrics)[::-1]
    values = [metrics[name]["accuracy"] for name in shown]
    colours = [drawings.LINES[0] if name in OBJECTIVES else drawings.LINES[-1] for name in shown]
    axes.barh(range(len(shown)), values, color=colours, height=0.6)
    for i, value in enumerate(values):
        axes.text(value, i, f" {value:.1f}", va="center", fontsize=8)
    axes.set_yticks(range(len(shown)), [names.get(name, name) for name in shown])
    axes.set_xlim(max(0.0, min(values) - 5), min(101.0, max(values) + 1.5))
    drawings.label(axes, "linear classifier on the codes", "% of test digits")
    return figure


SENTENCES = (
    "The classifier is trained on codes of training images and tested on codes of test images, "
    "which neither it nor the encoder was trained on.",
    "The papers report CIFAR-10, with other networks: they have no comparable number.",
    "For every objective with a critic, the bound is its InfoNCE on test images: between features "
    "and code, or with views between the codes of two views. It never exceeds the logarithm of "
    "the number of images compared. MIGE is a gradient and has no value.",
    "The code is a projection of normalized features, which cannot enlarge them. With coordinates "
    "standardized instead, MIGE lowered the accuracy far below that of the random encoder: the "
    "entropy of noise is then as high as that of digits.",
    "More information does not imply a better classification: from a code that keeps everything "
    "about an image, a linear classifier need not be able to predict the digit.",
)

INFOMAX = Experiment(
    name="infomax",
    title=(
        "Deep InfoMax on MNIST: Jensen–Shannon, InfoNCE, MIGE and views, evaluated by a linear "
        "classifier"
    ),
    source=("Hjelm et al. (2019), arXiv:1808.06670; Wen et al. (2020), MIGE, arXiv:2005.01123"),
    quick=Settings(
        seeds=1,
        channels=(16, 32),
        epochs=3,
        learning_rate=1e-3,
        images=20_480,
        labelled=10_000,
    ),
    standard=Settings(seeds=3, channels=(16, 32), epochs=6, learning_rate=3e-3),
    full=Settings(),
    cells=cells,
    conclude=conclude,
)
