"""Independent blocks of columns are estimated one by one, and summed."""

import math
from dataclasses import dataclass, replace

import numpy as np

from mineral.decision import Considered, Decision, Verdict
from mineral.methods.base import Measurement, Measures, Run
from mineral.methods.gaussian import GaussianCopula
from mineral.methods.wrappers.independent_blocks import Block, independent_blocks, total
from mineral.samples import Paired

COPULA_ROWS = 30_000  # rows times blocks, above which each block gets a Gaussian copula
SIGNIFICANT = 3.0  # standard errors
NAMED = 3  # blocks that a sentence names


@dataclass(frozen=True)
class ByBlock:
    """All columns together or, where they fall into independent blocks, the sum over blocks.

    The sum is reported where it is significantly more: estimates of few columns miss less. A quick
    look at all columns often shows that already. A network's value above log n cannot be verified
    from n rows: it gives way to a smaller sum of values that can.

    Args:
        inner: Estimates from a block, and from all columns.
        quick: The same, without a network.
    """

    inner: Measures
    quick: Measures

    def measure(self, samples: Paired, run: Run) -> Measurement:
        blocks = independent_blocks(samples)
        if blocks is None:
            return self.inner.measure(samples, run)
        summed = _sum(blocks, samples, run, self.inner)
        quick = self.quick.measure(samples, run)
        if summed is not None and _exceeds(summed, quick):
            return summed
        whole = quick if run.late else self.inner.measure(samples, run)
        if summed is not None and (_exceeds(summed, whole) or _is_unverified(whole)):
            return summed
        return whole


def _exceeds(one: Measurement, other: Measurement) -> bool:
    error = float(np.hypot(one.stderr, other.stderr))
    return one.value - other.value > SIGNIFICANT * error


def _sum(blocks: list[Block], samples: Paired, run: Run, inner: Measures) -> Measurement | None:
    many = len(blocks) * len(samples) > COPULA_ROWS
    parts = [
        _copula(block.of(samples), run) if many else inner.measure(block.of(samples), run)
        for block in blocks
    ]
    found = total(parts)
    if found is None:
        return None
    names = "; ".join(_names(block, samples) for block in blocks[:NAMED])
    names += "; …" if len(blocks) > NAMED else ""
    count = f"{len(blocks)} blocks" if len(blocks) > 1 else "one block"
    sentence = (
        f"Reported: the sum over {count} of columns that are independent of all others ({names})."
    )
    considered = tuple(
        replace(each, columns=_names(block, samples))
        for block, part in zip(blocks, parts, strict=True)
        if part.decision is not None
        for each in part.decision.considered
    )
    decision = Decision(considered=considered, rows=len(samples), wrapper="blocks")
    return replace(found, path=(sentence,), decision=decision, kind="neither")


def _copula(samples: Paired, run: Run) -> Measurement:
    found = GaussianCopula().measure(samples, run)
    row = Considered(
        estimator=GaussianCopula.name,
        options={},
        view="as given",
        value=found.value,
        stderr=found.stderr,
        weight=1.0,
        verdict=Verdict.REPORTED,
    )
    return replace(found, decision=Decision(considered=(row,), rows=len(samples)))


def _is_unverified(found: Measurement) -> bool:
    """Whether a network claims more than product pairs of n rows can contradict."""
    n = 0 if found.pointwise is None else len(found.pointwise)
    return bool(found.curves) and n > 0 and found.value > math.log(n)


def _names(block: Block, samples: Paired) -> str:
    part = block.of(samples)
    return " with ".join(
        ", ".join(side[:2]) + (", …" if len(side) > 2 else "")
        for side in (part.x_names, part.y_names)
    )
