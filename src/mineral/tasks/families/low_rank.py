"""Few numbers in common, seen in thousands of dimensions.

Of the d coordinates of X, the first k are standard normal and correlate with those of Y, pair by
pair; one half of the others repeat them in turn, the other half is noise, independent of all else.
Copies and noise add no information, so that I(X; Y) = −½ k log(1 − ρ²). A density in d dimensions
does not exist, and the pointwise values are those of the k pairs.

References:
    Gowri, Lun, Klein & Yin (2024), arXiv:2409.02732: information from 0 to 2 bits, k from 1 to 9,
        d from 10 to 5,000. They draw at random which coordinate a copy repeats.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mineral.tasks.families.elliptical import Pairs
from mineral.tasks.task import Draw, Task

SOURCE = "Gowri et al. (2024), arXiv:2409.02732"
BITS = tuple(float(bits) for bits in np.linspace(0, 2, 10))
RANKS = tuple(range(1, 10))
AMBIENT = tuple(i * 10**power for power in (1, 2, 3) for i in (1, 2, 3, 4, 5))


@dataclass(frozen=True, kw_only=True)
class LowRank:
    """k correlated pairs, their copies, and noise.

    Attributes:
        pairs: The k pairs.
        ambient: d, of X and of Y.
    """

    pairs: Pairs
    ambient: int

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        found = self.pairs(n, rng)
        x, y = (self._widened(np.asarray(side), rng) for side in (found.x, found.y))
        return Draw(x, y, found.pmi)

    def _widened(
        self, latent: Float[np.ndarray, "n k"], rng: np.random.Generator
    ) -> Float[np.ndarray, "n ambient"]:
        n, k = latent.shape
        copied = k + (self.ambient - k + 1) // 2
        wide = np.empty((n, self.ambient))
        wide[:, :copied] = latent[:, np.arange(copied) % k]
        wide[:, copied:] = rng.standard_normal((n, self.ambient - copied))
        return wide


def low_rank(ambient: int, rank: int, bits: float) -> Task:
    """`rank` pairs that carry `bits` together, in `ambient` dimensions a side."""
    rho = float(np.sqrt(-np.expm1(-2 * np.log(2) * bits / rank)))
    pairs = Pairs(correlations=(rho,) * rank, dim_x=rank, dim_y=rank)
    return Task(
        name=f"low-rank-{ambient}d-rank-{rank}-{bits:.2f}bits",
        family="low-rank",
        dim_x=ambient,
        dim_y=ambient,
        information=float(bits * np.log(2)),
        known_by="closed form",
        source=SOURCE,
        sampler=LowRank(pairs=pairs, ambient=ambient),
        parameters={"rank": rank, "rho": rho},
    )


def grid() -> tuple[Task, ...]:
    """All 1,350 tasks of the paper, of which the suite has a part."""
    return tuple(low_rank(d, k, bits) for d in AMBIENT for k in RANKS for bits in BITS)


TASKS: tuple[Task, ...] = tuple(
    low_rank(d, k, bits)
    for d in (10, 50, 100, 500, 1000, 5000)
    for k in (1, 3, 9)
    for bits in BITS[::3]
)
