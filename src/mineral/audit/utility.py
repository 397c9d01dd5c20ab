"""Utility of a code: information about the kept label, and accuracy of classifiers."""

import numpy as np
from jaxtyping import Float, Int

from mineral.audit import leakage
from mineral.audit.attacks.classifiers import Panel, Sample
from mineral.audit.rows import Measure, resampled, share


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


def auc(probabilities: Float[np.ndarray, "n k"], labels: Int[np.ndarray, " n"]) -> float:
    """The area under the ROC curve: of two classes, or the mean over classes against the rest.

    A tie counts half. Classes with no rows, or all rows, are ignored.
    """
    classes = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    areas = [_area(probabilities[:, c], labels == c) for c in classes]
    known = [area for area in areas if not np.isnan(area)]
    return float(np.mean(known)) if known else float("nan")


def _area(scores: Float[np.ndarray, " n"], positive: np.ndarray) -> float:
    from scipy.stats import rankdata  # half a second to import

    count = int(positive.sum())
    others = len(scores) - count
    if not count or not others:
        return float("nan")
    above = rankdata(scores)[positive].sum() - count * (count + 1) / 2
    return float(above / (count * others))
