"""How often the default's intervals hold, on random distributions that no suite contains.

    python benchmarks/atlas.py --laws 60 --n 200,1000,5000 --out atlas.jsonl
    python benchmarks/atlas.py --read atlas.jsonl

A law is drawn at random: one ellipse, a mixture, classes with their label, a noisy function, low
rank in many dimensions, or independence of any of these. Then x and y are each turned, sheared and
bent by random invertible maps, which change no information. Truth is the mean of the true pointwise
values over fresh samples. The second line says how far estimates lie from it, in standard errors.
"""

import argparse
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import logsumexp

import mineral

FRESH = 100_000
Rows = np.ndarray
Sampler = Callable[[int, np.random.Generator], tuple[Rows, Rows, Rows]]  # x, y, pmi


@dataclass(frozen=True)
class Law:
    """A random distribution of pairs."""

    name: str
    sample: Sampler
    x_map: Callable[[Rows], Rows]
    y_map: Callable[[Rows], Rows]

    def draw(self, n: int, rng: np.random.Generator) -> tuple[Rows, Rows, Rows]:
        x, y, pmi = self.sample(n, rng)
        return self.x_map(x), self.y_map(y), pmi


def covariance(d: int, strength: float, rng: np.random.Generator) -> Rows:
    """A random covariance of unit variances, from weak to strong correlation."""
    factors = rng.normal(size=(d, max(1, int(rng.integers(1, d + 1)))))
    found = strength * factors @ factors.T + np.diag(rng.uniform(0.3, 1.5, size=d))
    scale = np.sqrt(np.diag(found))
    return found / scale / scale[:, None]


def log_normal(z: Rows, mean: Rows, cov: Rows, nu: float) -> Rows:
    """Of a Gaussian (ν = ∞) or Student t."""
    d = len(mean)
    root = np.linalg.cholesky(cov)
    square = (np.linalg.solve(root, (z - mean).T) ** 2).sum(axis=0)
    volume = np.log(np.diag(root)).sum()
    if math.isinf(nu):
        return -square / 2 - volume - d / 2 * math.log(2 * math.pi)
    height = math.lgamma((nu + d) / 2) - math.lgamma(nu / 2) - d / 2 * math.log(nu * math.pi)
    return height - volume - (nu + d) / 2 * np.log1p(square / nu)


def mixture(dx: int, dy: int, count: int, nu: float, rng: np.random.Generator) -> Sampler:
    """Of ellipses in dx + dy dimensions."""
    d = dx + dy
    weights = rng.dirichlet(np.full(count, 3.0))
    means = rng.normal(scale=0.0 if count == 1 else rng.uniform(0.5, 2.5), size=(count, d))
    covs = [covariance(d, rng.uniform(0.1, 3.0), rng) for _ in range(count)]
    if count > 1:
        covs = [c * rng.uniform(0.1, 1.0) for c in covs]

    def sample(n: int, rng: np.random.Generator) -> tuple[Rows, Rows, Rows]:
        which = rng.choice(count, size=n, p=weights)
        roots = np.stack([np.linalg.cholesky(c) for c in covs])
        z = np.einsum("nij,nj->ni", roots[which], rng.normal(size=(n, d)))
        if math.isfinite(nu):
            z /= np.sqrt(rng.chisquare(nu, size=(n, 1)) / nu)
        z += means[which]
        parts = (slice(None), slice(dx), slice(dx, None))
        logs = [
            logsumexp(
                [
                    math.log(w) + log_normal(z[:, s], m[s], c[s, s], nu)
                    for w, m, c in zip(weights, means, covs, strict=True)
                ],
                axis=0,
            )
            for s in parts
        ]
        return z[:, :dx], z[:, dx:], logs[0] - logs[1] - logs[2]

    return sample


def classes(dx: int, count: int, rng: np.random.Generator) -> Sampler:
    """x of one of several ellipses, and y says which."""
    weights = rng.dirichlet(np.full(count, 5.0))
    means = rng.normal(scale=rng.uniform(0.2, 2.0), size=(count, dx))
    covs = [covariance(dx, rng.uniform(0.1, 2.0), rng) for _ in range(count)]

    def sample(n: int, rng: np.random.Generator) -> tuple[Rows, Rows, Rows]:
        which = rng.choice(count, size=n, p=weights)
        roots = np.stack([np.linalg.cholesky(c) for c in covs])
        x = np.einsum("nij,nj->ni", roots[which], rng.normal(size=(n, dx))) + means[which]
        logs = np.stack(
            [log_normal(x, m, c, math.inf) for m, c in zip(means, covs, strict=True)], axis=1
        )
        pmi = logs[np.arange(n), which] - logsumexp(logs + np.log(weights), axis=1)
        return x, which[:, None].astype(float), pmi

    return sample


def function(dx: int, rng: np.random.Generator) -> Sampler:
    """y is a random smooth function of x, and noise."""
    width = 8
    first = rng.normal(size=(dx, width)) * rng.uniform(0.5, 2.0) / math.sqrt(dx)
    shift, last = rng.normal(size=width), rng.normal(size=width)
    noise = float(np.exp(rng.uniform(math.log(0.1), math.log(1.5))))

    def of(x: Rows) -> Rows:
        return np.sin(x @ first + shift) @ last / math.sqrt(width)

    grid = of(np.random.default_rng(0).normal(size=(4000, dx)))

    def sample(n: int, rng: np.random.Generator) -> tuple[Rows, Rows, Rows]:
        x = rng.normal(size=(n, dx))
        apart = noise * rng.normal(size=n)
        y = of(x) + apart
        marginal = np.concatenate(
            [
                logsumexp(-(((part[:, None] - grid) / noise) ** 2) / 2, axis=1)
                for part in np.array_split(y, max(1, n // 2000))
            ]
        ) - math.log(len(grid))
        return x, y[:, None], -((apart / noise) ** 2) / 2 - marginal

    return sample


def low_rank(d: int, rank: int, rng: np.random.Generator) -> Sampler:
    """A few pairs of correlated directions among d noisy coordinates a side."""
    rho = rng.uniform(0.3, 0.95, size=rank)
    spread = np.concatenate([np.full(rank, rng.uniform(1.0, 3.0)), np.ones(d - rank)])
    turns = [np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in "xy"]

    def sample(n: int, rng: np.random.Generator) -> tuple[Rows, Rows, Rows]:
        x, y = rng.normal(size=(2, n, d))
        a = x[:, :rank]
        b = rho * a + np.sqrt(1 - rho**2) * y[:, :rank]
        y[:, :rank] = b
        pmi = -np.log(1 - rho**2) / 2 + (2 * rho * a * b - rho**2 * (a**2 + b**2)) / (
            2 * (1 - rho**2)
        )
        return (x * spread) @ turns[0], (y * spread) @ turns[1], pmi.sum(axis=1)

    return sample


def independent(sample: Sampler) -> Sampler:
    """The marginals of another law."""

    def apart(n: int, rng: np.random.Generator) -> tuple[Rows, Rows, Rows]:
        return sample(n, rng)[0], sample(n, rng)[1], np.zeros(n)

    return apart


def random_map(d: int, rng: np.random.Generator) -> Callable[[Rows], Rows]:
    """Turns, shears and bends, each invertible; or nothing."""
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0] if rng.random() < 0.5 else np.eye(d)
    shear = rng.random() < 0.4 and d > 1
    bend = rng.choice(["none", "asinh", "cube", "exp", "scale"])

    def apply(z: Rows) -> Rows:
        z = z @ turn
        if shear:
            z = z.copy()
            z[:, 1] += np.sin(2 * z[:, 0])
        if bend == "asinh":
            return np.arcsinh(3 * z)
        if bend == "cube":
            return z + z**3 / 5
        if bend == "exp":
            return np.exp(np.clip(z, -8, 8) / 2)
        return 1000 * z + 5 if bend == "scale" else z

    return apply


def law(seed: int) -> Law:
    """The law of a number."""
    rng = np.random.default_rng([19, seed])
    kind = ("ellipse", "t", "mixture", "mixture", "classes", "function", "low-rank")[seed % 7]
    dx, dy = int(rng.integers(1, 7)), int(rng.integers(1, 7))
    if kind in ("ellipse", "t"):
        sample = mixture(dx, dy, 1, math.inf if kind == "ellipse" else rng.uniform(2, 10), rng)
    elif kind == "mixture":
        dx, dy = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        sample = mixture(dx, dy, int(rng.integers(2, 7)), math.inf, rng)
    elif kind == "classes":
        dy, sample = 1, classes(dx, int(rng.integers(2, 9)), rng)
    elif kind == "function":
        dy, sample = 1, function(dx, rng)
    else:
        dx = dy = int(rng.choice([10, 30, 100]))
        sample = low_rank(dx, int(rng.integers(1, 4)), rng)
    if seed % 5 == 4:
        kind, sample = f"null-{kind}", independent(sample)
    plain = kind.endswith("classes")
    maps = random_map(dx, rng), (lambda y: y) if plain else random_map(dy, rng)
    return Law(f"{kind}-{dx}-{dy}-{seed}", sample, *maps)


def run(seeds: range, sizes: list[int], out: Path) -> None:
    """A line of JSON for every law and size that the file does not have yet."""
    done = set()
    if out.exists():
        done = {(r["law"], r["n"]) for r in map(json.loads, out.read_text().splitlines())}
    for seed in seeds:
        chosen = law(seed)
        if all((chosen.name, n) in done for n in sizes):
            continue
        pmi = chosen.draw(FRESH, np.random.default_rng([7, seed]))[2]
        truth, error = float(pmi.mean()), float(pmi.std() / math.sqrt(FRESH))
        for n in sizes:
            if (chosen.name, n) in done:
                continue
            x, y, pmi = chosen.draw(n, np.random.default_rng([8, seed, n]))
            start = time.perf_counter()
            found = mineral.estimate(x, y, seed=seed)
            row = {
                "law": chosen.name,
                "n": n,
                "truth": truth,
                "truth_error": error,
                "oracle": float(pmi.mean()),
                "value": found.value,
                "stderr": found.stderr,
                "low": found.interval[0],
                "high": found.interval[1],
                "allowance": found.allowance,
                "estimator": found.method,
                "decision": None if found.decision is None else found.decision.to_dict(),
                "warnings": [w.code for w in found.warnings],
                "seconds": round(time.perf_counter() - start, 2),
            }
            with out.open("a") as file:
                file.write(json.dumps(row) + "\n")


def read(out: Path) -> None:
    """Coverage, and errors in standard errors, by what answered and by kind of law."""
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    for name, of in (("estimator", by_estimator), ("law", by_law)):
        groups = defaultdict(list)
        for row in rows:
            groups[of(row), row["n"]].append(row)
        print(f"{name:>14}     n  laws  holds  |error|  q95 of |error| / se   bias / se")
        for (key, n), some in sorted(groups.items()):
            holds = np.mean([r["low"] <= r["truth"] <= r["high"] for r in some])
            error = np.array([r["value"] - r["truth"] for r in some])
            scaled = error / np.array([r["stderr"] for r in some])
            print(
                f"{key:>14} {n:5d} {len(some):5d} {holds:6.2f} {np.abs(error).mean():8.3f} "
                f"{np.quantile(np.abs(scaled), 0.95):12.2f} {scaled.mean():18.2f}"
            )
    for n in sorted({row["n"] for row in rows}):
        some = [r for r in rows if r["n"] == n]
        below = np.mean([r["high"] < r["truth"] for r in some])
        above = np.mean([r["low"] > r["truth"] for r in some])
        width = np.mean([r["high"] - r["low"] for r in some])
        print(
            f"n = {n}: {below:.3f} of the intervals lie below the truth, {above:.3f} above; "
            f"mean width {width:.3f} nats"
        )
        warned(some)


def warned(rows: list[dict]) -> None:
    """How often each warning comes with a value far off, and how often with one that is not.

    Far off is by a fifth of the truth, and by 0.1 nats at least.
    """
    far = [abs(r["value"] - r["truth"]) > max(0.1, 0.2 * r["truth"]) for r in rows]
    codes = sorted({code for r in rows for code in r["warnings"]})
    print(f"{'warning':>20}  of {sum(far)} far off  of {len(far) - sum(far)} others")
    for code in [*codes, "any"]:
        said = [bool(r["warnings"]) if code == "any" else code in r["warnings"] for r in rows]
        hits = sum(s and f for s, f in zip(said, far, strict=True))
        shares = hits / max(1, sum(far)), (sum(said) - hits) / max(1, len(far) - sum(far))
        print(f"{code:>20} {shares[0]:12.2f} {shares[1]:11.2f}")


def by_estimator(row: dict) -> str:
    """What answered."""
    return row["estimator"]


def by_law(row: dict) -> str:
    """What kind of law it was."""
    return row["law"].rstrip("0123456789-")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--laws", type=int, default=60)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--n", default="200,1000,5000")
    parser.add_argument("--out", type=Path, default=Path("atlas.jsonl"))
    parser.add_argument("--read", type=Path)
    options = parser.parse_args()
    if options.read:
        read(options.read)
    else:
        seeds = range(options.first, options.first + options.laws)
        run(seeds, [int(n) for n in options.n.split(",")], options.out)
