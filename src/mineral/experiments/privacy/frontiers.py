"""A sweep of encoders over β: the choice of β, and a comparison with other encoders."""

from collections.abc import Mapping, Sequence

import numpy as np

from mineral.experiments.base import Numbers, Table
from mineral.shaping.frontier import Spread


def chosen(held: Mapping[float, Sequence[Numbers]], margin: float) -> float:
    """The β that validation rows choose.

    Of those of `within` it reads the kept label best; if there are none, it is the one whose attack
    exceeds least what the kept label gives away.

    Args:
        held: For each β and each seed, on validation rows: "accuracy" for the kept label, that of
            the strongest "attack", and of the best "guess" from the kept label alone.
        margin: Of the attack, above the guess.
    """
    fit = within(held, margin)
    if fit:
        return max(fit, key=lambda beta: float(np.mean([each["accuracy"] for each in held[beta]])))
    return min(held, key=lambda beta: excess(held[beta]).mean)


def within(held: Mapping[float, Sequence[Numbers]], margin: float) -> list[float]:
    """Those whose strongest attack exceeds the guess by less than the margin, with its interval."""
    return [beta for beta, found in held.items() if excess(found).high <= margin]


def excess(found: Sequence[Numbers]) -> Spread:
    """Of the strongest attack over what the kept label alone gives away."""
    return Spread.of([each["attack"] - each["guess"] for each in found])


def choice(beta: float, held: Mapping[float, Sequence[Numbers]], margin: float) -> str:
    """How β was chosen."""
    fit = within(held, margin)
    rule = (
        f"those whose strongest attack on validation images is at most {100 * margin:g} points "
        "above the guess from parity, by the upper end of its interval over seeds"
    )
    if not fit:
        return (
            f"β = {beta:g} has the weakest attack on validation images: there are none of {rule}."
        )
    return (
        f"β = {beta:g} was chosen on validation images alone: of {rule} "
        f"({', '.join(f'{each:g}' for each in fit)}), it predicts parity best there."
    )


def table(held: Mapping[float, Sequence[Numbers]]) -> Table:
    """What β is chosen by."""
    return Table(
        title="Validation images, which select β: means over seeds, with their 95 % interval",
        header=["β", "label read", "attack", "attack minus guess from parity"],
        rows=[
            [
                f"{beta:g}",
                *(
                    f"{100 * float(np.mean([each[what] for each in found])):.1f}%"
                    for what in ("accuracy", "attack")
                ),
                _points(excess(found)),
            ]
            for beta, found in held.items()
        ],
    )


def _points(spread: Spread) -> str:
    low, mean, high = (100 * each for each in (spread.low, spread.mean, spread.high))
    return f"{mean:.1f} [{low:.1f}, {high:.1f}] points"


def falls(values: Sequence[Sequence[float]]) -> bool:
    """Whether means never rise from one to the next by more than their 95% intervals allow."""
    spreads = [Spread.of(each) for each in values]
    return all(
        spreads[j].low <= spreads[i].high
        for i in range(len(spreads))
        for j in range(i + 1, len(spreads))
    )


def beaten(kept: float, leaked: float, sweep: Sequence[Sequence[float]]) -> bool:
    """Whether encoders of the sweep, or two of them by turns, keep as much and leak no more.

    Which of two encoders a row gets is known to all, so that both accuracies are means: the sweep
    reaches all between its points.

    Args:
        kept: Accuracy for the label.
        leaked: Accuracy of the attack.
        sweep: Pairs of both; a constant code among them.
    """
    for kept_a, leaked_a in sweep:
        for kept_b, leaked_b in sweep:
            shares = np.linspace(0, 1, 101)
            both = shares * kept_a + (1 - shares) * kept_b >= kept
            if (both & (shares * leaked_a + (1 - shares) * leaked_b <= leaked)).any():
                return True
    return False
