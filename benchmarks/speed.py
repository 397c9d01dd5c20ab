"""Steps per second of training, beside other loops on the same samples, and what limits them.

    make bench
    python benchmarks/speed.py --only "width 100" --repeats 5
    python benchmarks/speed.py --write benchmarks/results/speed/training.json
    python benchmarks/speed.py --compare benchmarks/results/speed/training.json

All take turns in one process with one thread, and seconds are those of the processor. What else
runs on the machine slows all loops: ratios, with the least and the largest of the repeats, are what
to look at. The limit is the rate of matrix products of the hidden layer's shape, measured in the
same turns. JAX (with optax) and torch-mist take part where they are installed. Rows that are not
measured again stay in the file that `--write` names.

`--compare` lists what has become slower relative to its rival since a run that was written.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import numpy as np
import speed_loops
import torch

import mineral
from mineral.networks import training
from mineral.system.machine import versions

ROWS, LONG = 10_000, 5_000  # samples; steps over which the time to compile is counted


@dataclass(frozen=True)
class Setting:
    """A critic of two hidden layers, and its batches."""

    width: int
    steps: int
    kind: str = "mine"
    batch: int = 256
    dim: int = 20

    @property
    def name(self) -> str:
        """As printed."""
        return f"{self.kind}, width {self.width}, batch {self.batch}, {self.dim} + {self.dim}"

    def rivals(self) -> tuple[str, ...]:
        """The loops to compare: all of them for the usual batches of MINE."""
        usual = self.kind == "mine" and (self.batch, self.dim) == (256, 20)
        return tuple(speed_loops.LOOPS) if usual else ("mineral", "plain")

    def flops(self) -> float:
        """Of the matrix products of a step of ours: forward, and backward twice as many."""
        pairs = 2 * self.batch
        return 6 * pairs * self.width * (self.width + 1) + 8 * self.batch * self.dim * self.width


SETTINGS = (
    Setting(64, 200),
    Setting(100, 200),
    Setting(256, 60),
    Setting(512, 24),
    Setting(64, 300, batch=64),
    Setting(64, 60, batch=1024),
    Setting(100, 200, dim=2),
    Setting(100, 100, dim=100),
    Setting(100, 200, kind="js"),
    Setting(64, 100, kind="infonce"),
)
START = 4  # steps of a first call of torch-mist, which prepares for a second: taken off
TOGETHER = ((5, 64, 64), (5, 64, 256), (5, 100, 256), (32, 64, 64), (32, 64, 256))
ESTIMATORS = ("mine", "infonce", "js")


def samples(dim: int, rho: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian, every coordinate of x correlated with the same of y."""
    x, noise = np.random.default_rng(0).standard_normal((2, ROWS, dim))
    y = rho * x + np.sqrt(1 - rho**2) * noise
    return x.astype(np.float32), y.astype(np.float32)


def seconds(run: Callable[[], object]) -> float:
    """Of the processor: those of the clock on a machine that does nothing else, with one thread."""
    start = time.process_time()
    run()
    return time.process_time() - start


def summary(values: Sequence[float]) -> dict[str, float]:
    """Median, least and largest."""
    return {"median": statistics.median(values), "least": min(values), "largest": max(values)}


def product_rate(setting: Setting) -> float:
    """Floating-point operations per second of the hidden layer's product."""
    rows, width = 2 * setting.batch, setting.width
    a, b, out = torch.randn(rows, width), torch.randn(width, width), torch.empty(rows, width)
    times = max(5, int(1e10 / (2 * rows * width**2)))
    spent = seconds(lambda: [torch.mm(a, b, out=out) for _ in range(times)])
    return 2 * rows * width**2 * times / spent


def of_setting(setting: Setting, repeats: int) -> dict[str, Any]:
    """Steps per second of every loop, in turns."""
    x, y = samples(setting.dim)
    runs: dict[str, speed_loops.Steps] = {}
    compiling = 0.0
    for name, prepare in speed_loops.LOOPS.items():
        if name not in setting.rivals():
            continue
        try:
            runs[name] = prepare(x, y, setting.width, setting.batch, setting.kind)
        except ImportError:
            continue  # it is not installed
        first = seconds(lambda: runs[name](setting.steps))  # noqa: B023
        if name == "jax":
            compiling = first - seconds(lambda: runs["jax"](setting.steps))
    rates: dict[str, list[float]] = {name: [] for name in runs}
    limit = []
    for _ in range(repeats):
        limit.append(product_rate(setting))
        for name, run in runs.items():
            first = seconds(lambda: run(START)) if name == "torch-mist" else 0.0  # noqa: B023
            steps = setting.steps - (START if first else 0)
            rates[name].append(steps / (seconds(lambda: run(setting.steps)) - first))  # noqa: B023
    if "jax" in rates:
        rates["jax, compiled"] = rates["jax"]
        rates["jax"] = [LONG / (LONG / rate + compiling) for rate in rates["jax"]]
    ours = rates["mineral"]
    return {
        "name": setting.name,
        "steps per second": {name: summary(values) for name, values in rates.items()},
        "ratio": {
            name: summary([a / b for a, b in zip(ours, values, strict=True)])
            for name, values in rates.items()
            if name != "mineral"
        },
        "product rate": summary(limit),
        "share": summary(
            [setting.flops() * rate / most for rate, most in zip(ours, limit, strict=True)]
        )
        if setting.kind != "infonce"
        else None,
    }


def of_many(count: int, width: int, batch: int, repeats: int) -> dict[str, Any]:
    """Seconds of critics trained together, one after another, and by autograd, in turns."""
    x, y = samples(20)
    plan = speed_loops.schedule(batch, 100, 2)

    def run(*, together: bool, some: int) -> None:
        jobs = speed_loops.jobs(x, y, width, "mine", some)
        for part in [jobs] if together else [[job] for job in jobs]:
            training.train_together(part, plan, progress=lambda _: None)

    def by_autograd() -> None:
        written_out, training.is_direct = training.is_direct, lambda *_: False
        run(together=False, some=1)
        training.is_direct = written_out

    ways: dict[str, Callable[[], None]] = {
        "together": lambda: run(together=True, some=count),
        "in turn": lambda: run(together=False, some=count),
        "one": lambda: run(together=False, some=1),
        "one, autograd": by_autograd,
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats + 1):
        for name, way in ways.items():
            took[name].append(seconds(way))
    took = {name: values[1:] for name, values in took.items()}
    together = took["together"]
    ratios = {
        "in turn": [a / b for a, b in zip(took["in turn"], together, strict=True)],
        "in turn, autograd": [
            count * a / b for a, b in zip(took["one, autograd"], together, strict=True)
        ],
        "times one": [a / b for a, b in zip(together, took["one"], strict=True)],
        "times one, autograd": [
            a / b for a, b in zip(together, took["one, autograd"], strict=True)
        ],
    }
    return {
        "name": f"{count} critics at once, width {width}, batch {batch}, 20 + 20",
        "seconds of 100 steps": {name: summary(values) for name, values in took.items()},
        "ratio": {name: summary(values) for name, values in ratios.items()},
    }


def of_estimator(name: str) -> dict[str, Any]:
    """Value and seconds of an estimator with its own options, in 5 + 5 dimensions."""
    x, y = samples(5)
    found: list[mineral.Estimate] = []
    mineral.estimate(x[:200], y[:200], estimator=name, steps=5)  # imports
    spent = seconds(lambda: found.append(mineral.estimate(x, y, estimator=name)))
    return {
        "name": f"{name}, {ROWS:,} rows, 5 + 5",
        "value": found[0].value,
        "stderr": found[0].stderr,
        "truth": -5 / 2 * float(np.log(1 - 0.7**2)),
        "seconds": spent,
    }


def printed(row: dict[str, Any]) -> str:
    """A line for each rival."""
    if "value" in row:
        return (
            f"{row['name']}: {row['value']:.3f} ± {row['stderr']:.3f} of {row['truth']:.3f} nats, "
            f"{row['seconds']:.1f} s"
        )
    lines = [row["name"]]
    if "steps per second" in row:
        ours = row["steps per second"]["mineral"]["median"]
        lines.append(f"  mineral{ours:29.0f} steps/s")
        if row["share"]:
            lines[-1] += (
                f"   {100 * row['share']['median']:.0f} % of the "
                f"{row['product rate']['median'] / 1e9:.0f} GFLOP/s of its products"
            )
    for name, ratio in row["ratio"].items():
        spread = f"ratio {ratio['median']:.2f} ({ratio['least']:.2f} to {ratio['largest']:.2f})"
        rate = row.get("steps per second", {}).get(name)
        lines.append(
            f"  {name:<20}" + (f"{rate['median']:16.0f} steps/s   " if rate else "") + spread
        )
    return "\n".join(lines)


def slower(now: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]]) -> list[str]:
    """Ratios to rivals of the same process that fell, with no overlap of the repeats."""
    old = {row["name"]: row.get("ratio", {}) for row in before}
    lines = []
    for row in now:
        for rival, ratio in row.get("ratio", {}).items():
            was = old.get(row["name"], {}).get(rival)
            sign = -1 if rival.startswith("times") else 1
            ends = ("least", "largest") if sign == 1 else ("largest", "least")
            if was and sign * ratio[ends[1]] < sign * was[ends[0]]:
                lines.append(
                    f"slower: {row['name']}, beside {rival}: ratio {ratio['median']:.2f}, "
                    f"was {was['median']:.2f}"
                )
    return lines


def write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Put rows into a file, in place of those of the same names."""
    old = json.loads(path.read_text())["rows"] if path.exists() else []
    merged = {row["name"]: row for row in (*old, *rows)}
    found = {
        "command": "python benchmarks/speed.py --write benchmarks/results/speed/training.json",
        "machine": {**versions(), "cores": os.cpu_count(), "load": os.getloadavg()},
        "rows": list(merged.values()),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    """Measure, print, and write or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", type=Path, help="where the results go, as JSON")
    parser.add_argument("--compare", type=Path, help="a file that --write wrote")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    todo: list[tuple[str, Callable[[], dict[str, Any]]]] = []
    for setting in SETTINGS:
        todo.append((setting.name, lambda s=setting: of_setting(s, given.repeats)))  # type: ignore[misc]
    for count, width, batch in TOGETHER:
        name = f"{count} critics at once, width {width}, batch {batch}, 20 + 20"
        todo.append((name, lambda c=count, w=width, b=batch: of_many(c, w, b, given.repeats)))  # type: ignore[misc]
    for name in ESTIMATORS:
        todo.append((f"{name}, {ROWS:,} rows, 5 + 5", lambda n=name: of_estimator(n)))  # type: ignore[misc]
    rows = []
    for name, measure in todo:
        if given.only in name:
            rows.append(measure())
            print(printed(rows[-1]), flush=True)
    if given.write:
        write(given.write, rows)
    if given.compare:
        lines = slower(rows, json.loads(given.compare.read_text())["rows"])
        print("\n".join(lines) if lines else "nothing is slower than before")


if __name__ == "__main__":
    main()
