"""The information plane: information of each layer about the input and about the label.

A deterministic network T = t(X) of a continuous X has I(X; T) = ∞; of an X uniform on 4,096
patterns, I(X; T) = H(T), at most 12 bits and, as soon as no two patterns share an activation,
exactly that, whatever the network has learned. Curves that move are then made by what measures:
bins merge activations that saturate. Here noise is added, T + σ ε, before anything is measured: the
information is finite, a property of the network, and known almost exactly, as the density of the
noisy layer is a mixture of 4,096 Gaussians. Beside it stand the estimates of critics, all layers
and epochs learned together as one batch, and what bins say of the layer without noise.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.stats import entropy
from torch import Tensor, nn
from torch.nn.functional import nll_loss

from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.experiments.writing import number
from mineral.learning import stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INPUTS = 12
GOLDEN = (1 + math.sqrt(5)) / 2
ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU}
WAYS = {"truth": "with noise: truth", "critics": "with noise: critics", "binned": "without: bins"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of the information plane.

    Attributes:
        activations: Of `ACTIVATIONS`.
        seeds: Networks of each activation.
        widths: Of the layers after the input; the last has a unit for each label.
        epochs: Of training, on `share` of the patterns.
        batch, learning_rate: Of stochastic gradient descent with a momentum of 0.9.
        share: Of the patterns that train.
        looks: Epochs at which every layer is measured, evenly spaced on a logarithmic scale.
        noise: σ, added to every activation before it is measured.
        rows: Samples of the noisy layers for the critics.
        activations_seen: Critics of X see T(x) in its place. T + σε depends on X only through T,
            so that the information is the same, and no critic has to learn the network first.
        bound: Of the critics; `steps` of training with batches of `critic_batch`.
        check_every: Steps between evaluations of the validation rows.
        held_out: Samples compared with each other for what is reported: its logarithm is the most
            that InfoNCE can show.
        hidden: Of the critics.
        bins: Of the binned estimate, over the range of the layer.
    """

    activations: tuple[str, ...] = ("tanh", "relu")
    seeds: int = 5
    widths: tuple[int, ...] = (10, 7, 5, 4, 3, 2)
    epochs: int = 8000
    batch: int = 256
    learning_rate: float = 0.1
    share: float = 0.85
    looks: int = 24
    noise: float = 0.2
    rows: int = 40_960
    activations_seen: bool = False
    bound: str = "infonce"
    steps: int = 4000
    critic_batch: int = 512
    critic_rate: float = 2e-3
    check_every: int = 50
    held_out: int = 2048
    hidden: tuple[int, ...] = (64, 64)
    bins: int = 30


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """One network each, measured in all its layers at all looks."""
    return {
        f"{activation}.seed{i}": partial(follow, activation=activation, repeat=i)
        for activation in settings.activations
        for i in range(settings.seeds)
    }


def patterns() -> Float[np.ndarray, "4096 12"]:
    """All words of 12 signs, −1 or 1."""
    words = np.arange(2**INPUTS)
    return ((words[:, None] >> np.arange(INPUTS)) & 1) * 2.0 - 1


def labels() -> Int[np.ndarray, " 4096"]:
    """A rule that no rotation changes: whether the 12 signs, as charges on a sphere, have a dipole.

    The signs stand on the corners v_i of an icosahedron, and y = 1 where ‖Σ x_i v_i‖² exceeds its
    median over the patterns, which holds for 49.7 % of them. Shwartz-Ziv & Tishby threshold another
    symmetric function of 12 points on a sphere; of theirs this keeps the idea, not the table.
    """
    signs = (-1, 1)
    corners = [np.roll((0, a, b * GOLDEN), i) for a in signs for b in signs for i in range(3)]
    size: np.ndarray = ((patterns() @ np.array(corners)) ** 2).sum(1).round(9)
    return np.asarray(size > np.median(size), dtype=np.int64)


def network(settings: Settings, activation: str) -> nn.ModuleList:
    """Its linear layers, each with what follows: the activation, or a softmax in the last."""
    widths = (INPUTS, *settings.widths)
    last = len(settings.widths) - 1
    return nn.ModuleList(
        nn.Sequential(
            nn.Linear(widths[i], widths[i + 1]),
            nn.LogSoftmax(1) if i == last else ACTIVATIONS[activation](),
        )
        for i in range(len(settings.widths))
    )


@torch.no_grad()
def activations(layers: nn.ModuleList, x: Tensor) -> list[Tensor]:
    """What each layer gives for x; of the last, probabilities."""
    found = []
    for layer in layers:
        x = layer(x)
        found.append(x)
    return [*found[:-1], found[-1].exp()]


def follow(context: Context[Settings], *, activation: str, repeat: int) -> Numbers:
    """Train one network, and measure all its layers at all looks, in three ways."""
    settings, device = context.settings, context.device
    x = torch.from_numpy(patterns()).float().to(device)
    y = torch.from_numpy(labels()).to(device)
    rng = context.rng(activation, str(repeat))
    looks, seen, accuracy = _train(settings, activation, x, y, rng, context.progress)
    generator = torch.Generator(device).manual_seed(context.seed_for("noise", context.key))
    truth = [[exact(layer, y, settings.noise, generator) for layer in at] for at in seen]
    context.progress(0.3)
    critics = _by_critics(context, seen, x, y, generator)
    # The range of a layer is that of all looks: bins of one look's range would move by themselves.
    ranges = [_range(activation, [at[i] for at in seen]) for i in range(len(settings.widths))]
    in_bins = [
        [binned(layer, y, settings.bins, *ranges[i]) for i, layer in enumerate(at)] for at in seen
    ]
    return {"epochs": looks, "accuracy": accuracy, "truth": truth, "binned": in_bins, **critics}


def _train(
    settings: Settings,
    activation: str,
    x: Tensor,
    y: Tensor,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> tuple[list[int], list[list[Tensor]], dict[str, list[float]]]:
    """Epochs of the looks, the layers at each, and the accuracy on both parts of the patterns."""
    layers = network(settings, activation).to(x.device)
    optimizer = torch.optim.SGD(layers.parameters(), lr=settings.learning_rate, momentum=0.9)
    order = rng.permutation(len(x))
    held = round(settings.share * len(x))
    training, others = (torch.from_numpy(part).to(x.device) for part in np.split(order, [held]))
    spaced = np.geomspace(1, settings.epochs, settings.looks - 1).round().astype(int)
    looks = [0, *np.unique(spaced).tolist()]
    seen: list[list[Tensor]] = []
    accuracy: dict[str, list[float]] = {"training": [], "others": []}
    for epoch in range(settings.epochs + 1):
        if epoch in looks:
            seen.append(activations(layers, x))
            right = (seen[-1][-1].argmax(1) == y).float()
            accuracy["training"].append(float(right[training].mean()))
            accuracy["others"].append(float(right[others].mean()))
            progress(0.2 * epoch / settings.epochs)
        shuffled = training[torch.from_numpy(rng.permutation(held)).to(x.device)]
        for rows in shuffled.split(settings.batch):  # type: ignore[no-untyped-call]
            values = x[rows]
            for layer in layers:
                values = layer(values)
            optimizer.zero_grad(set_to_none=True)
            nll_loss(values, y[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return looks, seen, accuracy


def exact(layer: Tensor, y: Tensor, noise: float, generator: torch.Generator) -> dict[str, float]:
    """I(X; T + σ ε) and I(Y; T + σ ε), from the mixture that T + σ ε is: no estimator.

    The mean over one noise for each pattern of log p(z | x) / p(z), with its standard error.

    Args:
        layer: T of every pattern, each as likely as any other.
        y: Their labels.
        noise: σ.
        generator: Of the noise.
    """
    drawn = torch.randn(layer.shape, generator=generator, device=layer.device).double()
    centres = layer.double() / noise
    z = centres + drawn
    of_x, of_y = [], []
    for rows in torch.arange(len(z), device=z.device).split(512):  # type: ignore[no-untyped-call]
        apart = -(torch.cdist(z[rows], centres) ** 2) / 2
        of_labels = torch.stack([apart[:, y == c].logsumexp(1) for c in (0, 1)], dim=1)
        log_density = of_labels.logsumexp(1) - math.log(len(y))
        given_y = of_labels.gather(1, y[rows, None]).squeeze(1) - y.bincount()[y[rows]].log()
        of_x.append(-(drawn[rows] ** 2).sum(1) / 2 - log_density)
        of_y.append(given_y - log_density)
    found = {}
    for name, parts in (("x", of_x), ("y", of_y)):
        pointwise = torch.cat(parts)
        found[name] = float(pointwise.mean())
        found[f"{name}_error"] = float(pointwise.std() / math.sqrt(len(pointwise)))
    return found


def binned(layer: Tensor, y: Tensor, bins: int, low: float, high: float) -> dict[str, float]:
    """H(B) and I(Y; B) of the layer without noise, each activation in one of so many bins."""
    places = ((layer - low) / (high - low) * bins).floor().clamp(0, bins - 1).long()
    _, words = torch.unique(places, dim=0, return_inverse=True)
    whole, *of_labels = (
        float(entropy(w.bincount())) for w in (words, words[y == 0], words[y == 1])
    )
    given = np.average(of_labels, weights=y.bincount(minlength=2))
    return {"x": whole, "y": whole - float(given)}


def _range(activation: str, layers: list[Tensor]) -> tuple[float, float]:
    if activation == "tanh":
        return -1.0, 1.0
    return 0.0, max(1e-6, *(float(layer.max()) for layer in layers))


def _by_critics(
    context: Context[Settings],
    seen: list[list[Tensor]],
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
) -> dict[str, Any]:
    """Every layer at every look with X, and with Y: one batch of critics."""
    settings, device = context.settings, x.device
    layers = [layer for at in seen for layer in at]
    rows = torch.randint(len(x), (settings.rows,), generator=generator, device=device)
    clean = stacked.padded([layer[rows] for layer in layers])
    noise = torch.randn(clean.shape, generator=generator, device=device)
    used = stacked.padded([torch.ones(1, layer.shape[1], device=device) for layer in layers])
    z = clean + settings.noise * noise * used  # none in the columns that a layer does not have
    labelled = y[rows, None].float().expand(len(layers), -1, -1)
    inputs = clean if settings.activations_seen else x[rows].expand(len(layers), -1, -1)
    found = stacked.estimate(
        torch.cat([inputs, nn.functional.pad(labelled, (0, inputs.shape[2] - 1))]),
        torch.cat([z, z]),
        bound=settings.bound,
        critic=partial(stacked.StackedSeparable, hidden=settings.hidden),
        steps=settings.steps,
        batch_size=settings.critic_batch,
        learning_rate=settings.critic_rate,
        check_every=settings.check_every,
        held_out_block=settings.held_out,
        seed=context.seed_for("critics", context.key),
        progress=lambda share: context.progress(0.3 + 0.7 * share),
    )
    of_x, of_y = found.values.reshape(2, len(seen), -1)
    values = [
        [{"x": float(a), "y": float(b)} for a, b in zip(*pair, strict=True)]
        for pair in zip(of_x, of_y, strict=True)
    ]
    return {"critics": values, "ceiling": found.ceiling, "count": 2 * len(layers)}


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """The planes, the last epoch in numbers, and how far the critics are from the truth."""
    metrics: dict[str, Any] = {}
    tables = []
    for activation in settings.activations:
        runs = [results[f"{activation}.seed{i}"] for i in range(settings.seeds)]
        values = {way: _values([run[way] for run in runs]) for way in WAYS}
        apart = np.abs(values["critics"] - values["truth"]).mean((0, 1, 2))
        final = {way: each[:, -1].mean(0) for way, each in values.items()}
        errors = np.array([[each["x_error"] for each in run["truth"][-1]] for run in runs])
        metrics[activation] = {
            "accuracy": {
                name: float(np.mean([run["accuracy"][name][-1] for run in runs]))
                for name in ("training", "others")
            },
            "final": {way: each.tolist() for way, each in final.items()},
            "standard_error": float(errors.max()),
            "critics_apart": apart.tolist(),
            "ceiling": runs[0]["ceiling"],
            "critics": runs[0]["count"],
        }
        tables.append(_table(activation, settings, final, metrics[activation]))
    return Conclusion(
        metrics=metrics,
        tables=tables,
        figures={"plane": _draw(settings, results)},
        sentences=SENTENCES,
    )


def _values(found: list[list[list[dict[str, float]]]]) -> Float[np.ndarray, "seeds looks layers 2"]:
    return np.array(
        [[[(each["x"], each["y"]) for each in look] for look in run] for run in found], float
    )


def _table(
    activation: str, settings: Settings, final: Mapping[str, np.ndarray], metrics: Numbers
) -> Table:
    right = metrics["accuracy"]
    return Table(
        title=(
            f"{activation}, after {settings.epochs} epochs, in nats: I(X; ·) / I(Y; ·) of each "
            f"layer ({100 * right['training']:.1f} % accuracy on the training patterns, "
            f"{100 * right['others']:.1f} % on the others; standard error of the truth at most "
            f"{number(metrics['standard_error'], 3)})"
        ),
        header=["layer", *WAYS.values()],
        rows=[
            [
                f"{i + 1} ({width} units)",
                *(f"{number(final[way][i, 0])} / {number(final[way][i, 1])}" for way in WAYS),
            ]
            for i, width in enumerate(settings.widths)
        ],
    )


def _draw(settings: Settings, results: Mapping[str, Numbers]) -> "Figure":
    from matplotlib import colormaps

    figure, axes = drawings.panels(
        len(WAYS) * len(settings.activations), columns=len(WAYS), width=3.2, height=2.7
    )
    grid = iter(axes)
    for activation in settings.activations:
        run = results[f"{activation}.seed0"]
        for way, title in WAYS.items():
            panel = next(grid)
            [values] = _values([run[way]])
            for epoch, at in zip(run["epochs"], values, strict=True):
                shade = math.log1p(epoch) / math.log1p(settings.epochs)
                colour = colormaps["viridis"](0.95 - 0.9 * shade)
                panel.plot(at[:, 0], at[:, 1], "-", color=colour, linewidth=0.6)
                panel.scatter(at[:, 0], at[:, 1], s=14, color=[colour], zorder=2)
            panel.axhline(math.log(2), color=drawings.TRUTH, linewidth=0.7, linestyle=":")
            panel.axvline(INPUTS * math.log(2), color=drawings.TRUTH, linewidth=0.7, linestyle=":")
            drawings.label(panel, f"{activation}, {title}", "I(X; T) in nats", "I(Y; T) in nats")
    return figure


SENTENCES = (
    "Each line connects the layers at one epoch, from yellow (before training) to violet (after "
    "it). Dotted lines: H(X) = 12 bits = 8.3 nats, and log 2 = 0.69.",
    "Without noise the network is a function of its input: I(X; T) = H(T), which is H(X) in every "
    "layer whose activations differ between patterns, at every epoch; of a continuous input it "
    "would be infinite. The right panels change because more or fewer patterns share a bin: they "
    "describe the bins, not the information in the network.",
    "With noise, I(X; T + σε) is a property of the network, and known up to the standard error. "
    "It grows with the ratio of the activations to σ, so that training a ReLU network, whose "
    "activations are unbounded, raises it.",
    "Critics are evaluated on samples that they were not trained on; InfoNCE cannot exceed the "
    "logarithm of the number of samples compared.",
)

PLANE = Experiment(
    name="plane",
    title="Information plane of a 12-10-7-5-4-3-2 network: noise, critics, and bins",
    source=(
        "Shwartz-Ziv & Tishby (2017), arXiv:1703.00810; Saxe et al. (2018), OpenReview ry_WPG-A-; "
        "Goldfeld et al. (2019), arXiv:1810.05728"
    ),
    quick=Settings(
        seeds=1,
        epochs=500,
        looks=6,
        rows=20_480,
        steps=500,
        critic_batch=256,
        critic_rate=1e-2,
        held_out=1024,
    ),
    standard=Settings(
        seeds=3,
        looks=6,
        rows=20_480,
        activations_seen=True,
        steps=1000,
        critic_batch=256,
        critic_rate=5e-3,
        check_every=500,
    ),
    full=Settings(),
    cells=cells,
    conclude=conclude,
)
