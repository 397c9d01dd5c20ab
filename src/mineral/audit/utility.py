"""Utility of a code: information about the kept label, and accuracy of classifiers."""

from mineral.audit import leakage
from mineral.audit.attacks.classifiers import Panel, Sample
from mineral.audit.rows import Measure
from mineral.basics.intervals import resampled, share
from mineral.shaping.measure import auc


def of_label(fitted: Panel, test: Sample, *, estimate: bool = True, seed: int = 0) -> list[Measure]:
    """Information with the label, accuracy and area under the curve, on rows that decided nothing.

    Args:
        fitted: Classifiers of the label.
        test: Codes and labels.
        estimate: Whether to count neighbours as well, where codes have few coordinates.
        seed: Of the estimator and the bootstrap.
    """
    codes, labels = test
    best = fitted.most_accurate
    probabilities = fitted.probabilities(best, codes)
    right = int((probabilities.argmax(axis=1) == labels).sum())
    accuracy = Measure(
        name="accuracy",
        value=right / len(labels),
        interval=share(right, len(labels)),
        side="lower bound",  # on the accuracy of the best possible classifier
        how=best.name,
    )
    ranking = fitted.probabilities(fitted.best_calibrated, codes)
    area = Measure(
        name="AUC",
        value=auc(ranking, labels),
        interval=resampled(lambda rows: auc(ranking[rows], labels[rows]), len(labels), seed=seed),
        side="lower bound",
        how=fitted.best_calibrated.name,
    )
    return [
        accuracy,
        area,
        *leakage.of_label(fitted, test, symbol="L", estimate=estimate, seed=seed),
    ]
