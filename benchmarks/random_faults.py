"""Faults planted at random in the core: which do its tests miss?

python benchmarks/random_faults.py [--count 200] [--seed 0] [--out random_faults.jsonl]

A fault changes one constant, sign, comparison, axis, condition or clean-up of a module in a copy of
the tracked files. Faults are drawn without replacement, each kind as often as any other. Those that
the tests of the module's package miss are listed, to be judged one by one: a changed tolerance or
block size may be no fault. Finished faults are stored, and the same command goes on with the rest.
"""

import argparse
import ast
import json
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path

from planted_faults import FAILED, PASSED, ROOT, copied, status, write

# Package → the tests of it, quick ones first, as pytest stops at the first failure.
TESTS: dict[str, tuple[str, ...]] = {
    "bounds": (
        *(f"tests/test_bounds_{part}.py" for part in ("values", "identities", "laws", "shapes")),
        *(f"tests/test_bounds_{part}.py" for part in ("gradients", "numerics", "objectives")),
    ),
    "samples": (
        *(f"tests/test_{part}.py" for part in ("transform", "split", "order", "gate", "labels")),
        *(f"tests/test_{part}.py" for part in ("input", "words", "numerics", "time_series")),
    ),
    "models": tuple(
        f"tests/test_{part}.py" for part in ("models", "student", "contaminated", "mixture")
    ),
    "networks": tuple(f"tests/test_{part}.py" for part in ("training", "neural", "mine")),
    "methods/neighbours": tuple(
        f"tests/test_{part}.py" for part in ("neighbours", "knn", "subsampling", "mixed", "lnc")
    ),
    "methods/default": tuple(
        f"tests/test_{part}.py" for part in ("comparison", "search", "order", "auto", "wrappers")
    ),
    "system": tuple(
        f"tests/test_{part}.py"
        for part in ("storage", "threads", "chance", "progress", "concurrency")
    ),
}
SWAPPED: dict[type[ast.AST], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*",
    ast.Lt: ">=", ast.GtE: "<", ast.Gt: "<=", ast.LtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.And: "or", ast.Or: "and",
}  # fmt: skip
SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/",
    ast.Lt: "<", ast.GtE: ">=", ast.Gt: ">", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=",
    ast.And: "and", ast.Or: "or",
}  # fmt: skip


@dataclass(frozen=True)
class RandomFault:
    """One change of the source.

    Attributes:
        file: Below the repository's root.
        line: Where it is, from 1.
        kind: "constant", "sign", "comparison", "axis", "condition" or "clean-up".
        before, after: What is replaced, and by what.
        start: Position in the file.
    """

    file: str
    line: int
    kind: str
    before: str
    after: str
    start: int

    @property
    def place(self) -> tuple[str, int, str]:
        """What tells it from all other faults."""
        return self.file, self.start, self.after


class Source:
    """A module whose nodes can be replaced.

    Args:
        file: Below the repository's root.
    """

    def __init__(self, file: str) -> None:
        text = (ROOT / file).read_text()
        self.file, self.tree, self.raw = file, ast.parse(text), text.encode()
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line.encode()))

    def faults(self) -> Iterator[RandomFault]:
        """Every fault that can be planted."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and type(node.value) in (int, float):
                yield self.replaced("constant", node, repr(other_than(node.value)))
            elif isinstance(node, ast.keyword) and node.arg in ("axis", "dim"):
                if isinstance(node.value, ast.Constant) and node.value.value in (0, 1, -1):
                    yield self.replaced("axis", node.value, "1" if node.value.value == 0 else "0")
            elif isinstance(node, ast.BinOp):
                yield from self.operator("sign", node.left, node.op, node.right)
            elif isinstance(node, ast.Compare) and len(node.ops) == 1:
                yield from self.operator("comparison", node.left, node.ops[0], node.comparators[0])
            elif isinstance(node, ast.BoolOp):
                yield from self.operator("condition", node.values[0], node.op, node.values[1])
            elif isinstance(node, ast.Try) and node.finalbody:
                yield self.replaced("clean-up", node.finalbody[-1], "pass")

    def replaced(self, kind: str, node: ast.expr | ast.stmt, after: str) -> RandomFault:
        """The fault of another text in place of the node."""
        start, end = self.place(node)
        before = self.raw[start:end].decode()
        return RandomFault(self.file, node.lineno, kind, before, after, start)

    def operator(
        self, kind: str, left: ast.expr, operator: ast.AST, right: ast.expr
    ) -> Iterator[RandomFault]:
        """The fault of another operator between two nodes, if it has one."""
        if type(operator) not in SWAPPED:
            return
        start, symbol = self.place(left)[1], SYMBOLS[type(operator)]
        between = self.raw[start : self.place(right)[0]]
        if between.count(symbol.encode()) == 1:  # not in a comment, too
            start += between.index(symbol.encode())
            after = SWAPPED[type(operator)]
            yield RandomFault(self.file, left.lineno, kind, symbol, after, start)

    def place(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """The first byte of a node, and the one after its last."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = self.starts[node.lineno - 1] + node.col_offset
        return start, self.starts[node.end_lineno - 1] + node.end_col_offset


def other_than(value: object) -> float:
    """Another number."""
    if isinstance(value, int):
        return value + 1
    assert isinstance(value, float)
    return 2 * value or 1.0


def modules() -> Iterator[tuple[str, str]]:
    """The package and path of every module that faults are planted in."""
    for package in TESTS:
        for path in sorted((ROOT / "src" / "mineral" / package).rglob("*.py")):
            yield package, str(path.relative_to(ROOT))


def drawn(count: int, seed: int) -> list[tuple[str, RandomFault]]:
    """Faults with their packages, each kind as often as any other while it lasts."""
    chance, kinds = random.Random(seed), defaultdict(list)
    for package, file in modules():
        for each in Source(file).faults():
            kinds[each.kind].append((package, each))
    for some in kinds.values():
        chance.shuffle(some)
    turns = zip_longest(*kinds.values())
    every = [each for turn in turns for each in turn if each is not None]
    places: dict[tuple[str, int, str], tuple[str, RandomFault]] = {}
    for package, fault in every:
        places.setdefault(fault.place, (package, fault))  # 0 → 1 is one of an axis and a constant
    return list(places.values())[:count]


def planted(folder: Path, package: str, fault: RandomFault) -> str:
    """What the package's tests make of a fault in the copy."""
    path = folder / fault.file
    original = path.read_text()
    raw, before = original.encode(), fault.before.encode()
    assert raw[fault.start : fault.start + len(before)] == before
    changed = raw[: fault.start] + fault.after.encode() + raw[fault.start + len(before) :]
    write(path, changed.decode())
    try:
        return {PASSED: "survived", FAILED: "caught"}.get(status(folder, TESTS[package]), "caught")
    finally:
        write(path, original)


def main() -> int:
    """Plant the faults that are not stored yet, and list those that survive."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("random_faults.jsonl"))
    given = parser.parse_args()
    rows = (
        [json.loads(line) for line in given.out.read_text().splitlines()]
        if given.out.exists()
        else []
    )
    done = {(row["file"], row["start"], row["after"]) for row in rows}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copied(folder)
        for package, fault in drawn(given.count, given.seed):
            if fault.place in done:
                continue
            rows.append({**asdict(fault), "verdict": planted(folder, package, fault)})
            with given.out.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    survivors = [row for row in rows if row["verdict"] == "survived"]
    for row in survivors:
        text = (ROOT / row["file"]).read_text().splitlines()[row["line"] - 1].strip()
        print(
            f"{row['file']}:{row['line']}: {row['kind']}, {row['before']} → {row['after']}: {text}"
        )
    print(f"{len(rows) - len(survivors)} of {len(rows)} caught.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
