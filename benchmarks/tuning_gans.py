"""Settings of `gan-points --standard`, compared on seeds that are not reported.

    python benchmarks/tuning_gans.py [--steps 1000] [--seed 100] [--layout grid] [NAME ...]

Each variant is the standard settings with a few changes, trained with MINE on one seed from 100 on;
`plain-` before a name trains the plain game. The script prints processor seconds and how the
samples are judged: of the grid modes of 25, share of high quality and reverse KL, of the spirals
the shares of both arms that are covered and the share of high quality.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import torch

from mineral.experiments import find
from mineral.experiments.base import Context

VARIANTS: dict[str, dict[str, Any]] = {
    "standard": {},
    "leaky-relu": {"gain": 0.0},
    "leaky-relu-deep": {"gain": 0.0, "generator": [64] * 6},
    "less-gain": {"gain": 1.0},
    "more-gain": {"gain": 3.0},
    "three-layers": {"generator": [64] * 3},
    "no-features": {"features": 0},
    "low-frequencies": {"frequencies": [4.0, 4.0]},
    "high-frequencies": {"frequencies": [10.0, 10.0]},
    "wide-frequencies": {"frequencies": [1.0, 20.0]},
    "slower": {"learning_rate": 1e-3, "discriminator_rate": 1e-3},
    "two-rates": {"discriminator_rate": 2e-3},
    "no-penalty": {"penalty": 0.0},
    "small-penalty": {"penalty": 0.03},
    "half-penalty": {"penalty": 0.1},
    "noise": {"noise": 2},
    "constant-beta": {"fading": False},
    "three-partners": {"partners": 3},
}


def judge(name: str, *, layout: str, seed: int, steps: int) -> str:
    """Train one variant, and its figures in a line."""
    variant = "plain" if name.startswith("plain-") else "mine"
    experiment = find("gan-points")
    changes = {**VARIANTS[name.removeprefix("plain-")], "steps": steps, "seeds": seed + 1}
    settings = experiment.settings("standard", {**changes, "spiral_seeds": seed + 1})
    key = f"{layout}-{variant}-{seed}"
    context: Context[Any] = Context(
        settings=settings,
        key=key,
        seed=0,
        device=torch.device("cpu"),
        progress=lambda _share: None,
        folder=Path("experiments") / "tuning" / f"{name}-{steps}-{key}",
    )
    start = time.process_time()
    found = experiment.cells(settings)[key](context)
    figures = ", ".join(f"{k} {v:.3f}" for k, v in found.items() if k != "points")
    return (
        f"{name:<20} {layout} {seed} {steps} steps {time.process_time() - start:.0f} s: {figures}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(VARIANTS))
    parser.add_argument("--layout", default="grid")
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--steps", type=int, default=1000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for each in given.names:
        print(judge(each, layout=given.layout, seed=given.seed, steps=given.steps), flush=True)
