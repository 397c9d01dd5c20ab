"""Re-identification: match all raw rows with all codes, without a known pair."""

import numpy as np
from jaxtyping import Float

from mineral.audit.attacks.lookalike import lookalike
from mineral.audit.rows import Attack
from mineral.basics.intervals import share


def attack(
    raw: Float[np.ndarray, "n d"], codes: Float[np.ndarray, "n k"], *, seed: int = 0
) -> Attack:
    """The share of rows that are matched to their own code; chance is one in n.

    Args:
        raw: The adversary's rows of the same people.
        codes: Row by row of raw. The adversary gets them in a random order.
        seed: Of the order and of training.
    """
    n = len(raw)
    hidden = np.random.default_rng(seed).permutation(n)
    found = lookalike(raw, codes[hidden], seed=seed)
    right = int((found.order == np.argsort(hidden)).sum())
    return Attack(
        name="re-identification",
        value=right / n,
        interval=share(right, n),
        chance=1 / n,
        unit="share",
        how=found.how,
        n=n,
    )
