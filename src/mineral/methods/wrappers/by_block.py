"""Independent blocks of columns are estimated one by one, and summed."""

from dataclasses import dataclass, replace

import numpy as np

from mineral.decision import Considered, Decision, Verdict
from mineral.methods.base import Measurement, Measures, Run
from mineral.methods.copulas.gaussian import GaussianCopula
from mineral.methods.wrappers.independent_blocks import Block, independent_blocks, total
from mineral.samples import Paired

COPULA_ROWS = 30_000  # rows times blocks, above which each block gets a Gaussian copula
# Standard errors: the sum over pairs of normal numbers exceeds the look by up to 1.5, of sines by 1
# to 3.4 (y = sin 2x + noise, three pairs, 1,000 rows).
SIGNIFICANT = 2.0
NAMED = 3  # blocks that a sentence names


@dataclass(frozen=True)
class ByBlock:
    """All columns together or, if they form independent blocks, the sum over the blocks.

    Estimates of few columns have less bias: the sum is reported if it is larger than a quick
    estimate from all columns by more than two standard errors. If both agree, the quick estimate is
    reported, which has less variance. The full search is run if the quick estimate is larger than
    the sum, and for a single block with irrelevant columns.

    Args:
        inner: Estimates from a block, and from all columns.
        quick: A faster estimate from all columns.
    """

    inner: Measures[Paired]
    quick: Measures[Paired]

    def measure(self, samples: Paired, run: Run) -> Measurement:
        blocks = independent_blocks(samples)
        summed = None if blocks is None or run.late else _sum(blocks, samples, run, self.inner)
        if blocks is None or summed is None:
            return self.inner.measure(samples, run)
        quick = self.quick.measure(samples, run)
        difference = summed.value - quick.value
        least = SIGNIFICANT * float(np.hypot(summed.stderr, quick.stderr))
        if difference > least:
            return summed
        if run.late or (difference > -least and len(blocks) > 1):
            return quick
        return self.inner.measure(samples, run)


def _sum(
    blocks: list[Block], samples: Paired, run: Run, inner: Measures[Paired]
) -> Measurement | None:
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
        f"Reported: the sum over {count} of columns that are independent of the other blocks "
        f"({names})."
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


def _names(block: Block, samples: Paired) -> str:
    part = block.of(samples)
    return " with ".join(
        ", ".join(side[:2]) + (", …" if len(side) > 2 else "")
        for side in (part.x_names, part.y_names)
    )
