"""The page of all estimators and bounds: value, kind, source and cost of each.

python benchmarks/catalogue.py > docs/estimators.md
"""

import inspect
import re

from mineral.bounds import BOUNDS
from mineral.methods import ESTIMATORS, Estimator
from mineral.methods.neural.critics import Neural
from mineral.methods.neural.crossfit import Learned

HEAD = """# Every estimator and every bound

Generated from the code by `python benchmarks/catalogue.py`. `mineral estimators` lists the options,
and `help(mineral.KSG)` says when each works and when it fails. [Which for which data](choosing.md).

Cost: n rows, d = dx + dy, S steps of b rows for each of k folds, m product samples a row.

## Estimators

| name | class | what it is | kind | source | cost |
|---|---|---|---|---|---|"""
BOUNDS_HEAD = """
## Bounds, as functions of scores

`mineral.bounds.BOUNDS` holds the training objective and the reported bound of each. "At any batch
size": whether the kind also holds for averages over small batches, not only for expectations.

| name | trained by | reported | kind | at any batch size | source |
|---|---|---|---|---|---|"""
COSTS = {
    "gaussian": "n d²",
    "copula": "n d² + n d log n",
    "t-copula": "as `copula`, about 20 times",
    "contaminated-copula": "n d² a round, 100 at most",
    "mixture": "n d² a component and round",
    "residual": "a copula; if a correction helps, k S b (m + 1) small networks",
    "projected": "n d min(n, d), then as `residual`",
    "canonical": "n p² + p³ for each of ten folds, p up to 300 + d; then as `ksg`",
    "clusters": "n d min(n, d), then n k a round, k up to 256 clusters",
    "ksg": "n log n and more with d; n² d above 8",
    "lnc": "as `ksg`",
    "regression": (
        "n log n, about 30 times; with several columns, as the inversion of a 2,000 × 2,000 matrix"
    ),
    "mixed": "as `ksg`",
    "kde": "n² d",
    "histogram": "n log n",
    "discrete": "n log n",
    "discriminant": "k n d² for every class",
    "classifier": "k S b small networks of up to 100 components",
    "auto": "the sum over its candidates: see default.md",
}


def first_line(documented: object) -> str:
    """Of its docstring, fit for a cell."""
    return (inspect.getdoc(documented) or "").splitlines()[0].replace("|", "\\|")


def sources(documented: object) -> str:
    """What stands under References in its docstring, in one line."""
    text = inspect.getdoc(documented) or ""
    _, _, references = text.partition("References:")
    references = references.partition("\n\n")[0]
    return " ".join(re.sub(r"\s+", " ", references).replace("|", "\\|").split())


def cost(kind: type[Estimator]) -> str:
    """What its time grows with, at its usual options."""
    if kind.name in COSTS:
        return COSTS[kind.name]
    if issubclass(kind, Neural):
        defaults = kind()
        pairs = defaults.product_samples + 1
        return f"k S b (m + 1) networks: {defaults.folds} × {defaults.steps:,} × b × {pairs}"
    assert issubclass(kind, Learned)
    return f"k S b networks: {kind.folds} × {kind.steps:,} × b"


def main() -> None:
    """Print the page."""
    print(HEAD)
    for name, kind in ESTIMATORS.items():
        module = inspect.getmodule(kind)
        source = sources(kind) or sources(module)
        print(
            f"| `{name}` | `{kind.__name__}` | {first_line(kind)} | {kind.kind} | {source} | "
            f"{cost(kind)} |"
        )
    print(BOUNDS_HEAD)
    for name, entry in BOUNDS.items():
        trained = "–" if entry.objective is None else f"`{named(entry.objective)}`"
        print(
            f"| `{name}` | {trained} | `{named(entry.value)}`: {first_line(entry.value)} | "
            f"{entry.kind} | {'yes' if entry.any_batch else 'no'} | {entry.reference} |"
        )


def named(function: object) -> str:
    """Its name, or that of its class."""
    return getattr(function, "__name__", type(function).__name__)


if __name__ == "__main__":
    main()
