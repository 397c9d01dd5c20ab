"""Every estimator on eight kinds of data: error against the truth, and seconds.

    python benchmarks/choosing.py            # prints the table of docs/choosing.md
    python benchmarks/choosing.py ksg mine   # some estimators only
    python benchmarks/choosing.py --picture docs/images/choosing.png   # of the table in the page

One sample of 3,000 rows each, the same for all. The floor is the sampling error that even the true
pointwise mutual information would make.
"""

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import mineral
from mineral.figures import ACCENT
from mineral.methods import ESTIMATORS

N = 3000
Samples = tuple[np.ndarray, np.ndarray]
Task = tuple[str, float, Callable[[np.random.Generator], Samples]]


def gaussian(rho: float, dim: int) -> Task:
    """Independent pairs of normals: −dim/2 · log(1 − rho²)."""

    def sample(rng: np.random.Generator) -> Samples:
        x, noise = rng.standard_normal((2, N, dim))
        return x, rho * x + math.sqrt(1 - rho**2) * noise

    return f"normal {dim}+{dim}", -dim / 2 * math.log1p(-(rho**2)), sample


def cubed(rng: np.random.Generator) -> Samples:
    """The 3+3 normal of correlation 0.6 with y cubed: a bijection keeps the information."""
    x, y = gaussian(0.6, 3)[2](rng)
    return x, y**3


def student(rng: np.random.Generator) -> Samples:
    """Uncorrelated bivariate Student t with 1 degree of freedom (Cauchy): 0.2242 nats."""
    z = rng.standard_normal((2, N)) / np.sqrt(rng.chisquare(1, N))
    return z[0], z[1]


def uniform_sum(rng: np.random.Generator) -> Samples:
    """x uniform on [0, 1], y = x + uniform on [−ε, ε], ε = 0.1: log(1/2ε) + ε (Beyond Normal)."""
    x = rng.uniform(0, 1, N)
    return x, x + rng.uniform(-0.1, 0.1, N)


def circle(rng: np.random.Generator) -> Samples:
    """A noisy ring, by symmetry without correlation; truth by numerical integration below."""
    angle, radius = rng.uniform(0, 2 * np.pi, N), 1 + 0.1 * rng.standard_normal(N)
    return radius * np.cos(angle), radius * np.sin(angle)


def circle_truth() -> float:
    """I of the noisy ring: H(x) + H(y) − H(x, y) with densities on a fine grid."""
    line = np.linspace(-1.6, 1.6, 3201)
    step = line[1] - line[0]
    r = np.hypot(*np.meshgrid(line, line))
    radial = np.exp(-((r - 1) ** 2) / 0.02) + np.exp(-((r + 1) ** 2) / 0.02)
    joint = radial / np.maximum(r, step / 4)
    joint /= joint.sum() * step**2
    marginal = joint.sum(axis=0) * step
    ratio = joint / np.maximum(np.outer(marginal, marginal), 1e-300)
    return float((joint * np.log(np.maximum(ratio, 1e-300))).sum() * step**2)


def flipped(rng: np.random.Generator) -> Samples:
    """A fair bit, flipped one time in ten: log 2 − h(0.1)."""
    x = rng.integers(0, 2, N)
    return x, x ^ (rng.uniform(size=N) < 0.1)


TASKS: list[Task] = [
    gaussian(0.8, 1),
    gaussian(0.5, 10),
    ("cubed 3+3", gaussian(0.6, 3)[1], cubed),
    ("student 1+1", 0.2242, student),
    ("uniform sum", math.log(5) + 0.1, uniform_sum),
    ("ring", circle_truth(), circle),
    ("flipped bit", math.log(2) + 0.1 * math.log(0.1) + 0.9 * math.log(0.9), flipped),
    ("nothing 5+5", 0.0, lambda rng: tuple(rng.standard_normal((2, N, 5)))),
]


def cell(name: str, truth: float, samples: Samples) -> tuple[str, float]:
    """Error and seconds of one estimator on one task, or a dash where it refuses."""
    start = time.perf_counter()
    try:
        value = f"{mineral.estimate(*samples, estimator=name).value - truth:+.3f}"
    except mineral.MineralError:
        value = "–"
    return value, time.perf_counter() - start


def main(names: list[str]) -> None:
    """Print the table, one row for each estimator."""
    drawn = [(truth, sample(np.random.default_rng(0))) for _, truth, sample in TASKS]
    head = [f"{title} ({truth:.2f})" for title, truth, _ in TASKS]
    print(f"| estimator | {' | '.join(head)} | seconds |")
    print("|---|" + "--:|" * (len(TASKS) + 1))
    for name in names:
        cells = [cell(name, truth, samples) for truth, samples in drawn]
        seconds = sorted(s for _, s in cells)[len(cells) // 2]
        print(f"| `{name}` | {' | '.join(v for v, _ in cells)} | {seconds:.2g} |", flush=True)


def measured() -> dict[str, list[float]]:
    """The errors in the table of docs/choosing.md by estimator; NaN where it refuses."""
    page = Path(__file__).parent.parent / "docs" / "choosing.md"
    rows = page.read_text(encoding="utf-8").split("## Errors on eight")[1].split("## Other")[0]
    table = {}
    for line in rows.splitlines():
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == len(TASKS) + 1:
            table[name.strip("`")] = [math.nan if c == "–" else float(c) for c in cells[:-1]]
    return table


def picture(path: str) -> None:
    """Samples of each kind of data, and below the errors of each estimator as a heat map."""
    from matplotlib.figure import Figure

    table = measured()
    figure = Figure(figsize=(9, 8), layout="constrained", facecolor="white")
    top, bottom = figure.subfigures(2, 1, height_ratios=[1, 4.6])
    for axes, (title, truth, sample) in zip(top.subplots(1, len(TASKS)), TASKS, strict=True):
        draw_samples(axes, sample(np.random.default_rng(0)))
        axes.set_title(f"{title}\ntruth {truth:.2f}", fontsize=8)
    axes = bottom.subplots()
    errors = np.array(list(table.values()))
    image = axes.imshow(np.abs(errors), cmap="Blues", vmin=0, vmax=0.5, aspect="auto")
    for (i, j), error in np.ndenumerate(errors):
        text = "refused" if math.isnan(error) else f"{error:+.2f}".replace("-", "−")
        colour = "white" if abs(error) > 0.25 else "black"
        axes.text(j, i, text, ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(len(TASKS)), [title for title, *_ in TASKS], fontsize=8)
    axes.set_yticks(range(len(table)), table, fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = bottom.colorbar(image, extend="max", shrink=0.6)
    bar.set_label("absolute error [nats], 3,000 rows", fontsize=8)
    figure.savefig(path, dpi=130)


def draw_samples(axes: Any, samples: Samples) -> None:  # noqa: ANN401
    """The first coordinates of some rows, without scales; bits are shaken for the eye."""
    rng = np.random.default_rng(1)
    x, y = (side[:600] if side.ndim == 1 else side[:600, 0] for side in samples)
    if len(np.unique(x)) == 2:
        x, y = x + rng.uniform(-0.2, 0.2, 600), y + rng.uniform(-0.2, 0.2, 600)
    axes.plot(x, y, ".", markersize=1.2, color=ACCENT)
    for limits, side in ((axes.set_xlim, x), (axes.set_ylim, y)):
        limits(*np.percentile(side, [1, 99]) * 1.1)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(ESTIMATORS))
    parser.add_argument("--picture", help="a PNG file of the table in docs/choosing.md")
    arguments = parser.parse_args()
    if arguments.picture:
        picture(arguments.picture)
    else:
        main(arguments.names)
