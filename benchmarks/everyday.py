"""The default, or another estimator, on the suite `everyday`: errors, intervals, and two laws.

    python benchmarks/everyday.py --n 200,1000 --seeds 2 --jobs 2 --out everyday.jsonl
    python benchmarks/everyday.py --read everyday.jsonl
    python benchmarks/everyday.py --law test --n 200 --seeds 4 --out laws.jsonl
    python benchmarks/everyday.py --law invariance --n 200 --seeds 1 --out laws.jsonl

A line of JSON is written for each estimate; a run that was interrupted goes on where it was, and
different runs may share a file. Two laws need no truth:

test        where a permutation test of the same rows does not reject independence (p > 0.2), zero
            is inside the interval
invariance  what is irrelevant does not matter: the order of independent rows, the spelling of
            words, a unit, a strictly increasing map, a constant column, x and y swapped. The value
            moves by less than its standard error.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

import mineral
from mineral.tasks import Task, columns_of, everyday

SUGGESTIVE = 0.2  # a p-value above which the test does not reject
EXACT = 1e-9  # nats: a sum that is exact up to rounding holds the truth
FAR = 0.1, 0.2  # an error is far off beyond 0.1 nats, and beyond a fifth of the truth
Row = dict[str, Any]
Side = np.ndarray
Cell = tuple[str, int, int, str, str]  # task, n, seed, estimator, law

BY_NAME = {task.name: task for task in (*everyday.TASKS, *everyday.INFINITE)}


# One estimate


def as_table(name: str, side: Side) -> Any:  # noqa: ANN401
    """As `mineral.estimate` takes it: words beside numbers are a dict of columns."""
    return columns_of(name, side) if side.dtype == object else side


def estimated(x: Side, y: Side, estimator: str, seed: int) -> Row:
    """An estimate, or why there is none."""
    try:
        found = mineral.estimate(as_table("x", x), as_table("y", y), estimator=estimator, seed=seed)
    except mineral.MineralError as error:
        return {"status": "refused", "message": str(error)[:300]}
    except Exception as error:
        return {"status": "failed", "message": f"{type(error).__name__}: {error}"[:300]}
    return {
        "status": "ok",
        "value": found.value,
        "stderr": found.stderr,
        "low": found.interval[0],
        "high": found.interval[1],
        "by": found.estimator,
        "warnings": [caution.code for caution in found.warnings],
        "seconds": round(found.seconds, 3),
    }


def measured(cell: Cell) -> Row:
    """The line of one cell."""
    torch.set_num_threads(1)
    threadpool_limits(1)
    name, n, seed, estimator, law = cell
    task = BY_NAME[name]
    drawn = task.draw(n, seed=seed)
    row: Row = {
        "task": name,
        "kind": task.family,
        "n": n,
        "seed": seed,
        "estimator": estimator,
        "law": law,
        "truth": task.information if np.isfinite(task.information) else None,
        "oracle": None if drawn.pmi is None else float(drawn.pmi.mean()),
        **estimated(drawn.x, drawn.y, estimator, seed),
    }
    if row["status"] != "ok":
        return row
    if law == "test":
        row["p_value"] = p_value(drawn.x, drawn.y, seed)
    if law == "invariance":
        row["changes"] = {
            change: estimated(*sides, estimator, seed)
            for change, sides in changed(task, drawn.x, drawn.y, seed)
        }
    return row


def p_value(x: Side, y: Side, seed: int) -> float | None:
    """Of the permutation test; None where it refuses the samples."""
    try:
        tested = mineral.independence(as_table("x", x), as_table("y", y), seed=seed)
    except mineral.MineralError:
        return None
    return tested.p_value


# Changes that are irrelevant


def changed(task: Task, x: Side, y: Side, seed: int) -> Iterator[tuple[str, tuple[Side, Side]]]:
    """Each change that applies, with both sides after it."""
    if not task.parameters.get("in_series"):
        order = np.random.default_rng(seed).permutation(len(x))
        yield "rows", (x[order], y[order])
    yield "swapped", (y, x)
    for name, change in (("words", respelled), ("unit", in_other_unit), ("increasing", bent)):
        of_x, of_y = change(x), change(y)
        if of_x is not None or of_y is not None:
            yield name, (x if of_x is None else of_x, y if of_y is None else of_y)
    yield "constant", (with_constant(x), y)


def is_text(column: Side) -> bool:
    """Whether a column of one side holds words."""
    return isinstance(column[0], str)


def by_column(side: Side, change: Callable[[Side], Side], *, text: bool) -> Side | None:
    """The side with its columns of text, or of numbers, changed; None where it has none."""
    columns = list(columns_of("", side).values())
    if not any(is_text(column) == text for column in columns):
        return None
    parts = [change(c) if is_text(c) == text else c for c in columns]
    if len({is_text(part) for part in parts}) > 1:
        parts = [part.astype(object) for part in parts]
    return np.stack(parts, axis=1)


def respelled(side: Side) -> Side | None:
    """Other words, in another alphabetic order."""

    def change(column: Side) -> Side:
        found, codes = np.unique(column, return_inverse=True)
        other = np.random.default_rng(len(found)).permutation(len(found))
        return np.array([f"{'zebra'[: 1 + i % 5]}{i}" for i in other])[codes]

    return by_column(side, change, text=True)


def in_other_unit(side: Side) -> Side | None:
    """Metres as kilometres; whole numbers of metres as millimetres."""
    return by_column(side, lambda v: v * 1000 if v.dtype.kind in "iu" else v * 0.001, text=False)


def bent(side: Side) -> Side | None:
    """The inverse hyperbolic sine of each column of numbers, around its median."""

    def change(column: Side) -> Side:
        low, middle, high = np.quantile(column, (0.25, 0.5, 0.75))
        moved = np.arcsinh((column - middle) / ((high - low) or 1.0))
        strict = len(np.unique(moved)) == len(np.unique(column))
        return moved if strict else column

    return by_column(side, change, text=False)


def with_constant(side: Side) -> Side:
    """One more column, which is the same in all rows."""
    if side.dtype.kind == "U":
        return np.hstack([side, np.full((len(side), 1), "same")])
    one = np.ones((len(side), 1), dtype=side.dtype)
    return np.hstack([side, one])


# A run


def cells(options: argparse.Namespace) -> list[Cell]:
    """Of all tasks first, so that a run that is stopped has some of each."""
    kinds = options.kinds.split(",") if options.kinds else list(everyday.KINDS)
    unknown = set(kinds) - set(everyday.KINDS)
    if unknown:
        raise SystemExit(f"--kinds has {sorted(unknown)}: choose from {', '.join(everyday.KINDS)}.")
    tasks = [task for kind in kinds for task in everyday.KINDS[kind] if options.tasks in task.name]
    first = range(options.first, options.first + options.seeds)
    sizes = [int(n) for n in options.n.split(",")]
    law = options.law or ""
    return [
        (task.name, n, seed, options.estimator, law)
        for seed in first
        for n in sizes
        for task in tasks
    ]


def run(options: argparse.Namespace) -> None:
    """Append a line for each cell that the file does not have yet."""
    fields = ("task", "n", "seed", "estimator", "law")
    done = {tuple(row[field] for field in fields) for row in lines(options.out)}
    open_cells = [cell for cell in cells(options) if cell not in done]
    print(f"{len(open_cells)} to do, {len(done)} done, in {options.out}", flush=True)
    with options.out.open("a") as file:
        for count, row in enumerate(answers(open_cells, options.jobs), 1):
            file.write(json.dumps(row) + "\n")
            file.flush()
            if count % 50 == 0:
                print(f"{count} of {len(open_cells)}", flush=True)


def answers(open_cells: list[Cell], jobs: int) -> Iterator[Row]:
    """The lines of all cells, as they come."""
    if jobs == 1:
        yield from map(measured, open_cells)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(measured, cell) for cell in open_cells]):
            yield future.result()


def lines(path: Path) -> list[Row]:
    """Those of a file; a last one that was cut off is dropped."""
    rows = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


# What came of it


def summary(rows: list[Row]) -> str:
    """One line of a table: of one kind, or of one task."""
    good = [row for row in rows if row["status"] == "ok"]
    if not good:
        return f"{len(rows):4d} {len(rows):4d}"
    error = np.array([row["value"] - row["truth"] for row in good])
    below, above = (
        np.array([row["high"] < row["truth"] - EXACT for row in good]),
        np.array([row["low"] > row["truth"] + EXACT for row in good]),
    )
    null = np.array([row["truth"] == 0 for row in good])
    warned = np.array([bool(row["warnings"]) for row in good])
    far = np.abs(error) > [max(FAR[0], FAR[1] * row["truth"]) for row in good]
    width = np.mean([row["high"] - row["low"] for row in good])

    def share(flags: np.ndarray, among: np.ndarray) -> str:
        return f"{100 * flags[among].mean():6.1f}" if among.any() else "     –"

    return " ".join(
        [
            f"{len(rows):4d} {len(rows) - len(good):4d}",
            f"{np.abs(error).mean():7.3f} {error.mean():+7.3f} {width:7.3f}",
            share(~below & ~above, np.ones_like(null)),
            share(~below & ~above, ~null),
            share(above, null),
            share(below, null),
            share(warned, np.ones_like(null)),
            share(far, np.ones_like(null)),
            share(warned, far),
            f"{np.median([row['seconds'] for row in good]):7.2f}",
        ]
    )


HEAD = "rows  bad  |error|    bias   width  holds  dep.h null>0 null<0 warned    far far&w seconds"
LEGEND = """\
bad     refused or failed              holds   intervals that hold the truth, in percent
dep.h   those of dependent tasks       null>0  independent ones whose interval lies above 0
warned  estimates with a warning       far     errors beyond 0.1 nats and a fifth of the truth
far&w   share of these with a warning  width   of the interval"""


def tables(rows: list[Row]) -> None:
    """By kind, then by task."""
    plain = [row for row in rows if row["truth"] is not None]
    for estimator in sorted({row["estimator"] for row in plain}):
        for field in ("kind", "task"):
            groups = defaultdict(list)
            for row in plain:
                if row["estimator"] == estimator:
                    groups[list(everyday.KINDS).index(row["kind"]), row[field], row["n"]].append(
                        row
                    )
                    if field == "kind":
                        groups[len(everyday.KINDS), "all", row["n"]].append(row)
            print(f"\n{estimator:34}     n {HEAD}")
            for (_, name, n), some in sorted(groups.items()):
                print(f"{name:34} {n:5d} {summary(some)}")
    print(f"\n{LEGEND}")
    reasons = defaultdict(list)
    for row in plain:
        if row["status"] != "ok":
            reasons[row["status"], row["message"][:90]].append(row["task"])
    for (status, message), names in sorted(reasons.items()):
        print(f"{status}, {len(names)} × ({', '.join(sorted(set(names)))[:60]}): {message}")


def contradictions(rows: list[Row]) -> None:
    """Estimates whose interval excludes zero where the test does not reject independence."""
    tested = [r for r in rows if r.get("p_value") is not None and r["p_value"] > SUGGESTIVE]
    broken = [r for r in tested if not r["low"] <= EXACT or not r["high"] >= -EXACT]
    print(f"\nlaw `test`: {len(broken)} violations of {len(tested)} with p > {SUGGESTIVE}")
    for r in sorted(broken, key=lambda r: (r["kind"], r["task"])):
        print(
            f"  {r['task']:34} {r['n']:5d} seed {r['seed']:2d} p {r['p_value']:.2f} "
            f"{r['value']:.3f} [{r['low']:.3f}, {r['high']:.3f}] {r['by']}"
        )


def variations(rows: list[Row]) -> None:
    """Values that an irrelevant change moves by more than a standard error."""
    shares, broken = defaultdict(list), []
    for row in rows:
        for change, after in row.get("changes", {}).items():
            if after["status"] != "ok":
                shares[change].append(True)
                broken.append((np.inf, change, row, after))
                continue
            moved = abs(after["value"] - row["value"])
            allowed = max(row["stderr"], after["stderr"], 1e-9)
            shares[change].append(moved > allowed)
            if moved > allowed:
                broken.append((moved / allowed, change, row, after))
    for change, flags in sorted(shares.items()):
        print(f"law `invariance`, {change:10}: {sum(flags)} violations of {len(flags)}")
    for ratio, change, row, after in sorted(broken, key=lambda entry: -entry[0]):
        moved = f"{after['value']:.3f} by {after['by']}" if np.isfinite(ratio) else after["message"]
        print(
            f"  {change:10} {row['task']:34} {row['n']:5d} seed {row['seed']:2d} {ratio:6.1f} se: "
            f"{row['value']:.3f} by {row['by']} → {moved[:60]}"
        )


def read(path: Path) -> None:
    """All that a file holds."""
    rows = lines(path)
    if rows:
        tables(rows)
        contradictions(rows)
        variations(rows)


def parser() -> argparse.ArgumentParser:
    """The options."""
    found = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    found.add_argument("--estimator", default="auto")
    found.add_argument("--n", default="200,1000", help="sizes, with commas")
    found.add_argument("--seeds", type=int, default=2, help="how many")
    found.add_argument("--first", type=int, default=0, help="the first seed")
    found.add_argument("--kinds", default="", help="some kinds only, with commas")
    found.add_argument("--tasks", default="", help="tasks whose name contains this only")
    found.add_argument("--law", choices=("test", "invariance"))
    found.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    found.add_argument("--out", type=Path, default=Path("everyday.jsonl"))
    found.add_argument("--read", type=Path, help="print what a file holds, and estimate nothing")
    return found


if __name__ == "__main__":
    chosen = parser().parse_args()
    if chosen.read is None:
        run(chosen)
    read(chosen.read or chosen.out)
