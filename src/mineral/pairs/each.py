"""Any estimator on each pair: `mineral.estimate`, with a seed of the pair's own.

The seed of a pair is a hash of the content of its two columns, and the column with the smaller hash
is X. So the result of a pair has the same bits whatever other pairs there are, in any order of the
columns, in any process.
"""

from dataclasses import dataclass

import numpy as np

from mineral.api import independence
from mineral.errors import InputError, InputTypeError
from mineral.methods import Estimator
from mineral.pairs.plan import Chunk, Part, Plan
from mineral.pairs.sheet import Sheet
from mineral.system.chance import seed_of
from mineral.system.threads import one_blas_thread, one_torch_thread

PAIRS = 32  # of a chunk: 10 to 30 s of the default
PERMUTATIONS = 199  # unless given: about a third of the time of the default at 1,000 rows


@dataclass(frozen=True, kw_only=True)
class Each:
    """An estimator on each pair of a table's columns, and a permutation test of independence.

    Attributes:
        sheet: The table.
        plan: The pairs.
        estimator: Of each pair.
        given: Places of the columns of the condition.
        permutations: Of each test; 0 for no p-values.
        confidence: The level of the intervals.
        seed: Of all pairs together.
    """

    sheet: Sheet
    plan: Plan
    estimator: Estimator
    given: tuple[int, ...] = ()
    permutations: int = PERMUTATIONS
    confidence: float = 0.95
    seed: int = 0

    def measure(self, chunk: Chunk) -> Part:
        """The results of a chunk, computed with one thread."""
        found = Part.empty(len(chunk))
        with one_blas_thread(), one_torch_thread():
            for place, (i, j) in enumerate(
                zip(*self.plan.places(chunk.start, chunk.stop), strict=True)
            ):
                self._measure(found, place, int(i), int(j))
        return found

    def _measure(self, found: Part, place: int, i: int, j: int) -> None:
        i, j = sorted((i, j), key=lambda k: self.sheet.digests[k])
        rows = np.asarray(self.sheet.is_there[[i, j, *self.given]].all(axis=0))
        found.n[place] = rows.sum()
        x, y = self.sheet.column(i, rows), self.sheet.column(j, rows)
        columns = {self.sheet.names[k]: self.sheet.column(k, rows) for k in self.given}
        given = columns or None
        seed = self.seed_of(i, j)
        try:
            estimate = self.estimator.estimate(
                x, y, given=given, seed=seed, confidence=self.confidence
            )
            found.value[place] = estimate.value
            found.low[place], found.high[place] = estimate.interval
            if estimate.warnings:
                found.notes[place] = ", ".join(each.code for each in estimate.warnings)
            if self.permutations:
                test = independence(x, y, given=given, permutations=self.permutations, seed=seed)
                found.p_value[place] = test.p_value
        except (InputError, InputTypeError, np.linalg.LinAlgError, ArithmeticError) as reason:
            found.notes[place] = str(reason)  # this pair has no value; others may have one

    def seed_of(self, i: int, j: int) -> int:
        """The seed of a pair, from the content of its columns."""
        first, second = sorted((self.sheet.digests[i], self.sheet.digests[j]))
        return seed_of(str(self.seed).encode(), first, second)
