"""Transfer: classifiers of a look-alike's codes of own labelled data, applied to the victim's.

The adversary has raw rows with labels, and the victim's codes of other people: no pair, and no
label of a victim. Imitations are fitted to the distributions of both; a look-alike is made from
equal numbers of both, as if they were the same people. The one whose held-out codes have the
distribution closest to the victims' held-out codes is used, and of equals the simplest.
"""

import numpy as np
import torch
from jaxtyping import Float, Int

from mineral.audit.attacks import labels
from mineral.audit.attacks.classifiers import panel
from mineral.audit.attacks.imitations import Imitation, imitations
from mineral.audit.attacks.lookalike import Lookalike, discrepancy, lookalikes
from mineral.audit.rows import Attack

PAIRED = 500  # rows of each side
ALIKE = 1.1  # times the least distance of distributions, within which the simplest is used


def attack(
    raw: Float[np.ndarray, "n d"],
    own: Int[np.ndarray, " n"],
    codes: Float[np.ndarray, "m k"],
    truth: Int[np.ndarray, " m"],
    *,
    classes: int,
    seed: int = 0,
) -> Attack:
    """The accuracy for the labels of victims' codes.

    Args:
        raw: Rows of the adversary's own.
        own: Their labels.
        codes: Of victims, who are none of these.
        truth: Their labels, used only for evaluation.
        classes: Number of classes.
        seed: Of everything random.
    """
    count = min(len(raw) // 2, len(codes) // 2, PAIRED)
    made, judged = slice(0, count), slice(count, 2 * count)
    guesses: list[Imitation | Lookalike] = list(imitations(raw, codes[made], seed=seed))
    guesses += lookalikes(raw[made], codes[made], seed=seed)
    apart = [_apart(each.encode(raw[judged]), codes[judged]) for each in guesses]
    found = next(each for each, by in zip(guesses, apart, strict=True) if by <= ALIKE * min(apart))
    alike = found.encode(np.asarray(raw, np.float64))
    cut = 3 * len(raw) // 4
    fitted = panel(
        (alike[:cut], own[:cut]), (alike[cut:], own[cut:]), classes=classes, seed=seed, brief=True
    )
    guessed = labels.of_panel(fitted, (codes, truth))
    return Attack(
        name="transfer",
        value=guessed.value,
        interval=guessed.interval,
        chance=guessed.chance,
        unit="share",
        how=f"{found.how}; {fitted.most_accurate.name}",
        n=guessed.n,
    )


def _apart(alike: np.ndarray, codes: np.ndarray) -> float:
    """The distance between the distributions of two sets of codes."""
    first, other = (torch.from_numpy(np.asarray(v, np.float64)) for v in (alike, codes))
    return float(discrepancy(first, other))
