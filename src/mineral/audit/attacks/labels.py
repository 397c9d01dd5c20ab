"""The attack on a label: every kind of classifier, retrained on codes with their labels."""

import numpy as np

from mineral.audit.attacks.classifiers import Panel, Sample, panel
from mineral.audit.rows import Attack
from mineral.basics.intervals import share


def attack(
    training: Sample, validation: Sample, test: Sample, *, classes: int, seed: int = 0
) -> Attack:
    """The accuracy of the best classifier of the label on held-out codes.

    Args:
        training: Codes, shape (n, dz), and labels 0, 1, …, shape (n,), to learn from.
        validation: Of other rows, which choose the classifier.
        test: Of rows that decide nothing.
        classes: How many labels there are in all.
        seed: Of everything random.

    Raises:
        MissingExtraError: If scikit-learn is not installed.
    """
    return of_panel(panel(training, validation, classes=classes, seed=seed), test)


def of_panel(fitted: Panel, test: Sample) -> Attack:
    """The same, of classifiers that are fitted already."""
    codes, labels = test
    best = fitted.most_accurate
    guesses = best.probabilities(fitted.views.all(codes)[best.view]).argmax(axis=1)
    right = int((guesses == labels).sum())
    return Attack(
        name="label",
        value=right / len(labels),
        interval=share(right, len(labels)),
        chance=float(np.bincount(labels).max() / len(labels)),
        unit="share",
        how=f"{best.name}, the best of {len(fitted.fitted)} on validation rows",
        n=len(labels),
    )
