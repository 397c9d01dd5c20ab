"""Classifiers of many kinds, selected on validation rows.

The classifier selected and calibrated on validation rows is evaluated once, on test rows. Its
accuracy is an attack's success rate, and H(S) − cross entropy a lower bound on I(S; Z).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mineral.audit.attacks.views import Views
from mineral.basics.types import PerSample
from mineral.shaping.measure import class_probabilities
from mineral.system.threads import quiet

Sample = tuple[Float[np.ndarray, "_ dz"], Int[np.ndarray, " _"]]  # codes and labels, row by row
BRIEF = 4  # kinds
TEMPERATURES = (0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 10.0)
PRIORS = (0.0001, 0.001, 0.01, 0.05, 0.2, 0.5, 1.0)  # weights of the frequencies of classes


@dataclass(frozen=True)
class Fitted:
    """A classifier with its calibration.

    Attributes:
        name: Of the classifier, with its view of the codes.
        view: Name of that view.
        probabilities: A view of rows to probabilities of all classes, shape (n, classes).
        accuracy: On validation rows.
        cross_entropy: On validation rows, calibrated, in nats.
        temperature, prior: Its calibration: p^(1/temperature), mixed with the frequencies.
    """

    name: str
    view: str
    probabilities: Callable[[np.ndarray], np.ndarray]
    accuracy: float
    cross_entropy: float
    temperature: float
    prior: float


@dataclass(frozen=True)
class Panel:
    """All classifiers that were fitted to the same rows.

    Attributes:
        views: Their inputs.
        fitted: Each of them.
        frequencies: Of classes, among training rows.
    """

    views: Views
    fitted: tuple[Fitted, ...]
    frequencies: Float[np.ndarray, " classes"]

    @property
    def most_accurate(self) -> Fitted:
        """On validation rows."""
        return max(self.fitted, key=lambda each: each.accuracy)

    @property
    def best_calibrated(self) -> Fitted:
        """Of the least cross entropy on validation rows."""
        return min(self.fitted, key=lambda each: each.cross_entropy)

    def probabilities(self, of: Fitted, codes: np.ndarray) -> Float[np.ndarray, "n classes"]:
        """Calibrated, on rows of any kind."""
        found = of.probabilities(self.views.all(codes)[of.view])
        return _calibrated(found, of.temperature, of.prior, self.frequencies)


def panel(
    training: Sample, validation: Sample, *, classes: int, seed: int, brief: bool = False
) -> Panel:
    """Fit every kind of classifier to training rows, and evaluate it on validation rows.

    Args:
        training: Codes and labels 0, 1, … below `classes`.
        validation: The same, of other rows.
        classes: Total number of classes.
        seed: Of everything random.
        brief: Skip the slowest, which are rarely selected.
    """
    views = Views.fit(*training, seed=seed)
    seen, held = views.all(training[0]), views.all(validation[0])
    frequencies = (np.bincount(training[1], minlength=classes) + 0.5) / (
        len(training[1]) + classes / 2
    )
    fitted = []
    kinds = _kinds(len(training[1]), seed)
    for name, view, make in kinds[:BRIEF] if brief else kinds:
        probabilities = _fit(make, seen[view], training[1], classes)
        found = probabilities(held[view])
        temperature, prior, cross_entropy = _calibrate(found, validation[1], frequencies)
        accuracy = float((found.argmax(axis=1) == validation[1]).mean())
        fitted.append(
            Fitted(name, view, probabilities, accuracy, cross_entropy, temperature, prior)
        )
    return Panel(views, tuple(fitted), frequencies)


def _kinds(n: int, seed: int) -> list[tuple[str, str, Callable[[], Any]]]:
    """Name, view, and what makes one."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier

    def logistic() -> Any:  # noqa: ANN401
        return LogisticRegression(C=0.1, max_iter=200)

    def network() -> Any:  # noqa: ANN401
        return MLPClassifier(
            (100, 50),
            alpha=1e-3,
            early_stopping=n >= 100,
            n_iter_no_change=5,
            max_iter=60,
            random_state=seed,
        )

    def boosting() -> Any:  # noqa: ANN401
        return HistGradientBoostingClassifier(
            max_iter=100, max_leaf_nodes=15, early_stopping=n >= 100, random_state=seed
        )

    def forest() -> Any:  # noqa: ANN401
        return RandomForestClassifier(100, min_samples_leaf=2, random_state=seed)

    def neighbours() -> Any:  # noqa: ANN401
        return KNeighborsClassifier(min(15, n), weights="distance")

    return [
        ("logistic regression", "standardized", logistic),
        ("logistic regression on ranks and products", "products", logistic),
        ("a network", "standardized", network),
        ("gradient boosting", "standardized", boosting),
        ("nearest neighbours", "ranks", neighbours),
        ("a network on ranks and products", "products", network),
        ("gradient boosting on ranks and products", "products", boosting),
        ("a random forest", "standardized", forest),
    ]


def _fit(
    make: Callable[[], Any], values: np.ndarray, labels: np.ndarray, classes: int
) -> Callable[[np.ndarray], np.ndarray]:
    model = make()
    with quiet():  # of training that stopped early: validation judges it
        model.fit(values, labels)

    return partial(class_probabilities, model, count=classes)


def _calibrated(
    found: np.ndarray, temperature: float, prior: float, frequencies: np.ndarray
) -> np.ndarray:
    tempered = np.maximum(found, 1e-12) ** (1 / temperature)
    tempered /= tempered.sum(axis=1, keepdims=True)
    return np.asarray((1 - prior) * tempered + prior * frequencies)


def _calibrate(
    found: np.ndarray, labels: np.ndarray, frequencies: np.ndarray
) -> tuple[float, float, float]:
    """Temperature and weight of the frequencies at the least cross entropy, and that."""
    options = [
        (
            float(-np.log(_calibrated(found, t, prior, frequencies)[_of(labels)]).mean()),
            t,
            prior,
        )
        for t in TEMPERATURES
        for prior in PRIORS
    ]
    cross_entropy, temperature, prior = min(options)
    return temperature, prior, cross_entropy


def _of(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(len(labels)), labels


def log_likelihood(
    probabilities: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, " n"]
) -> PerSample:
    """log q(label | code) of each row."""
    return np.asarray(np.log(probabilities[_of(labels)]))
