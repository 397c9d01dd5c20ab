"""Replay the default's comparison on logged candidates: what each special case is worth.

    python benchmarks/replay.py --log replay.jsonl --suites nulls,mixtures --atlas 70 --n 200,1000
    python benchmarks/replay.py --play replay.jsonl

Logging measures every candidate once. Playing compares them again by other rules, in seconds: mean
absolute error over laws, and on how many laws the rule changes the value.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import atlas
import numpy as np
import strong

import mineral
from mineral import tasks

LOCAL = {"ksg", "mixed"}
BOUNDS = {"regression", "discrete", "discriminant", "classifier", "clusters"}
TRAINED = {"residual"}
Drawn: TypeAlias = tuple[str, float, Any, Any]


@dataclass(frozen=True)
class Rule:
    """The rule of `mineral.methods.default.comparison`, with a name and its constants."""

    name: str = "as it is"
    significant: float = 2.0
    short: float | None = None  # standard errors, where a network is replaced
    resolved: float = np.inf  # nats, above which neighbours lower nothing
    averages: bool = True
    own_error: bool = True  # whether a bound needs to be larger by its own standard error only
    without: str = ""


RULES = (
    Rule(),
    *(replace(Rule(), name=f"significant = {v}", significant=v) for v in (1.0, 3.0, 4.0)),
    replace(Rule(), name="a network is replaced at 1 error", short=1.0),
    replace(Rule(), name="bounds by the error of the difference", own_error=False),
    replace(Rule(), name="neighbours lower nothing above 2 nats", resolved=2.0),
    replace(Rule(), name="no averages", averages=False),
    *(
        replace(Rule(), name=f"without {c}", without=c)
        for c in ("ksg", "regression", "residual", "canonical", "clusters", "mixed")
    ),
)


def weight(rule: Rule, rival: dict[str, Any], best: dict[str, Any], dims: int) -> float:
    """The weight of a rival, as `compared` has it."""
    name, error = rival["estimator"], rival["error"]
    difference = rival["value"] - best["value"]
    parametric = "copula" in best["estimator"] or best["estimator"] == "gaussian"
    if name in TRAINED and parametric:
        return 1.0
    consistent = dims <= 3 and best["estimator"] not in BOUNDS | TRAINED
    if name in LOCAL and consistent:
        if difference < 0 and rival["value"] > rule.resolved:
            return 0.0
        d = max(difference, -max(best["value"], 0.0)) if difference < 0 else difference
        if not rule.averages:
            return float(abs(d) > rule.significant * error)
        return 0.0 if abs(d) <= error else 1 - (error / d) ** 2
    if name in BOUNDS and rule.own_error:
        error = min(error, rival["stderr"])
    trained = best["estimator"] in TRAINED and rule.short is not None
    return float(difference > max((rule.short if trained else rule.significant) * error, 1e-3))


def played(rule: Rule, row: dict[str, Any]) -> float:
    """The value by that rule."""
    best: dict[str, Any] | None = None
    for each in row["considered"]:
        if each["value"] is None or (each["estimator"] == rule.without and best is not None):
            continue
        if best is None:
            best = dict(each)
            continue
        w = weight(rule, each, best, row["dims"])
        value = (1 - w) * best["value"] + w * each["value"]
        stderr = (1 - w) * best["stderr"] + w * each["stderr"]
        best = dict(each if w > 0.5 else best) | {"value": value, "stderr": stderr}
    assert best is not None
    return float(best["value"])


def play(log: Path) -> None:
    """Mean absolute error of every rule on the laws that one chain of candidates decides."""
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    rows = [row for row in rows if row["wrapper"] == "all rows" and row["considered"]]
    truth = np.array([row["truth"] for row in rows])
    usual = np.array([played(RULES[0], row) for row in rows])
    logged = np.array([row["value"] for row in rows])
    same = np.mean(np.abs(usual - logged) < 0.01 + 0.02 * np.abs(logged))
    print(f"{len(rows)} laws; the rule as written here gives the logged value on {same:.0%}")
    print(f"{'rule':38} {'error':>7} {'change ± its error':>20} {'laws changed':>13}")
    for rule in RULES:
        values = np.array([played(rule, row) for row in rows])
        change = np.abs(values - truth) - np.abs(usual - truth)
        noise = change.std() / np.sqrt(len(rows))
        moved = int((np.abs(values - usual) > 1e-3).sum())
        error = np.abs(values - truth).mean()
        print(f"{rule.name:38} {error:7.4f} {change.mean():+11.4f} ± {noise:.4f} {moved:13d}")


def drawn(suites: list[str], laws: int, strong_laws: int, n: int, seeds: int) -> Iterator[Drawn]:
    """Name, truth and samples of every law."""
    for each in map(strong.law, range(strong_laws)):
        for seed in range(seeds):
            yield each.name, each.information(), *each.draw(n, np.random.default_rng([9, seed]))
    for task in (task for name in suites for task in tasks.suite(name)):
        if np.isfinite(task.information):
            for seed in range(seeds):
                yield task.name, task.information, *_sides(task, n, seed)
    for number in range(laws):
        law = atlas.law(number)
        pmi = law.draw(atlas.FRESH, np.random.default_rng([7, number]))[2]
        x, y, _ = law.draw(n, np.random.default_rng([8, number, n]))
        yield law.name, float(pmi.mean()), x, y


def _sides(task: tasks.Task, n: int, seed: int) -> tuple[Any, Any]:
    draw = task.draw(n, seed=seed)
    return tasks.columns_of("x", draw.x), tasks.columns_of("y", draw.y)


def log(
    out: Path, suites: list[str], laws: int, strong_laws: int, sizes: list[int], seeds: int
) -> None:
    """A line for every law: its truth, and what the default considered."""
    with out.open("a") as file:
        for n in sizes:
            for name, truth, x, y in drawn(suites, laws, strong_laws, n, seeds):
                try:
                    r = mineral.estimate(x, y)
                except mineral.InputError:
                    continue
                decision = r.decision.to_dict() | {"dims": r.dim_x + r.dim_y}
                row = {"law": name, "n": n, "truth": truth, "value": r.value, **decision}
                file.write(json.dumps(row) + "\n")
                file.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path)
    parser.add_argument("--play", type=Path)
    parser.add_argument("--suites", default="nulls,mixtures")
    parser.add_argument("--atlas", type=int, default=70)
    parser.add_argument("--strong", type=int, default=0, help="laws of 2 to 8 nats")
    parser.add_argument("--n", default="200,1000")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    if options.log:
        names = [name for name in options.suites.split(",") if name]
        sizes = [int(n) for n in options.n.split(",")]
        log(options.log, names, options.atlas, options.strong, sizes, options.seeds)
    if options.play:
        play(options.play)
