"""The kept and leaked information of a code, on held-out rows, by independent classifiers.

New classifiers are trained on codes of training rows, selected on validation rows, and evaluated on
test rows. None of this proves that a code is private: a small lower bound may only mean that a
classifier failed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from mineral import api
from mineral.basics.intervals import mean
from mineral.basics.numerics import leave_one_out_logmeanexp, logmeanexp
from mineral.basics.types import Matrix, PerSample
from mineral.methods import Mixed
from mineral.shaping.encoder import Encoder
from mineral.shaping.network import ModuleEncoder
from mineral.shaping.objective import log_densities
from mineral.shaping.problem import Problem, best_guess, floor
from mineral.shaping.simple import AdditiveNoise
from mineral.system.threads import quiet

SANDWICHED = 4000  # rows of a rate: each is compared with all others
COUNTED = 2000  # rows whose neighbours are counted
WIDE = 128  # numbers of a code above which trees and neighbours take minutes, and see less


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A number of nats and its 95% interval.

    Attributes:
        value: In nats; infinite where the information is.
        interval: For the randomness of the test rows.
        kind: "lower bound", "upper bound", or "neither".
        by: The method.
    """

    value: float
    interval: tuple[float, float]
    kind: str
    by: str

    @classmethod
    def of(cls, values: PerSample, kind: str, by: str) -> "Bound":
        """The mean of one number a row."""
        value, interval = mean(values)
        return cls(value=value, interval=interval, kind=kind, by=by)


@dataclass(frozen=True, kw_only=True)
class Retrained:
    """A classifier of codes, on test rows.

    Attributes:
        name: Of its kind and size.
        accuracy: The share of test rows with the correct class.
        auc: Area under the curve, the mean over classes against the rest.
        information: Its lower bound on the information with the label.
        validation: Its mean log likelihood on validation rows.
        held: The share of validation rows with the correct class.
    """

    name: str
    accuracy: float
    auc: float
    information: Bound
    validation: float
    held: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The kept and leaked information of a code.

    Attributes:
        kept: Bounds and estimates of I(Z; L).
        readers: Classifiers of L, the best on validation rows first.
        leaked: Bounds and estimates of I(Z; S), or of I(X; Z) where everything is hidden.
        attackers: Classifiers of S, the best on validation rows first; none unless S is a label.
        floor: I(L; S) of the test rows, or H(L) if everything is hidden: the leak through L itself.
        guess: Accuracy of the best prediction of S from L; NaN unless S is a label.
    """

    kept: tuple[Bound, ...]
    readers: tuple[Retrained, ...]
    leaked: tuple[Bound, ...]
    attackers: tuple[Retrained, ...]
    floor: float
    guess: float

    @property
    def accuracy(self) -> float:
        """Of the classifier of L that was best on validation rows."""
        return self.readers[0].accuracy

    @property
    def attack(self) -> float:
        """The highest test accuracy of any classifier of S, which favours the attacker."""
        return max((each.accuracy for each in self.attackers), default=math.nan)


def measure(
    encoder: Encoder,
    training: Problem,
    validation: Problem,
    test: Problem,
    *,
    seed: int = 0,
    thorough: bool = False,
) -> Measured:
    """Measure the information of test codes about L and about the hidden variable.

    Args:
        encoder: Of features to codes.
        training: Rows that classifiers are trained on; the encoder may be, too.
        validation: Rows that select among classifiers.
        test: Rows that neither the encoder nor a classifier was trained on.
        seed: Of noise and of classifiers.
        thorough: More and larger attackers.
    """
    parts = (training, validation, test)
    # Each part with noise of its own, of seeds far apart.
    codes = [
        np.asarray(encoder.encode(part.x, seed=3 * seed + i), np.float64)
        for i, part in enumerate(parts)
    ]
    readers = retrained(codes, [part.keep for part in parts], seed=seed)
    kept = (readers[0].information, *_neighbours(codes[2], test.keep, seed))
    attackers: tuple[Retrained, ...] = ()
    if test.hide is None:
        leaked = rate_between(encoder, test.x, seed=3 * seed + 2)
    elif test.hide.ndim == 1:
        hidden = [np.asarray(part.hide) for part in parts]
        attackers = retrained(codes, hidden, seed=seed, thorough=thorough)
        leaked = (attackers[0].information, *_neighbours(codes[2], test.hide, seed))
    else:
        found = api.estimate(codes[2], test.hide, seed=seed)
        by = f"mineral.estimate: {found.method}"
        leaked = (Bound(value=found.value, interval=found.interval, kind=found.kind, by=by),)
    return Measured(
        kept=kept,
        readers=readers,
        leaked=leaked,
        attackers=attackers,
        floor=floor(test),
        guess=best_guess(test) if attackers else math.nan,
    )


def retrained(
    codes: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    *,
    seed: int = 0,
    thorough: bool = False,
) -> tuple[Retrained, ...]:
    """Classifiers of a label from codes, the best on validation rows first.

    Args:
        codes: Of training, validation and test rows, shape (n, dz) each.
        labels: Of the same, classes 0, 1, …, shape (n,) each.
        seed: Of classifiers.
        thorough: More and larger ones.
    """
    count = 1 + max(int(each.max()) for each in labels)
    prior = np.bincount(labels[0], minlength=count) + 1.0
    prior /= prior.sum()
    # One scale: otherwise neighbours and networks would ignore a coordinate of small variance.
    center, scale = codes[0].mean(axis=0), codes[0].std(axis=0)
    scaled = [(each - center) / np.where(scale > 0, scale, 1.0) for each in codes]
    found = []
    n, width = codes[0].shape
    for name, make in _kinds(n, width, seed, thorough=thorough).items():
        with quiet():  # of training that ended before it converged
            classifier = make().fit(scaled[0], labels[0])
        # A touch of the prior, so that no certainty is infinitely wrong; it costs 1 / n nats.
        share = 1 / len(codes[0])
        held, seen = (
            (1 - share) * class_probabilities(classifier, rows, count) + share * prior
            for rows in scaled[1:]
        )
        gain = np.log(seen[np.arange(len(seen)), labels[2]]) - np.log(prior[labels[2]])
        found.append(
            Retrained(
                name=name,
                accuracy=float((seen.argmax(axis=1) == labels[2]).mean()),
                auc=auc(seen, labels[2]),
                information=Bound.of(gain, "lower bound", f"a retrained classifier ({name})"),
                validation=float(np.log(held[np.arange(len(held)), labels[1]]).mean()),
                held=float((held.argmax(axis=1) == labels[1]).mean()),
            )
        )
    return tuple(sorted(found, key=lambda each: -each.validation))


def rate_between(encoder: Encoder, x: Matrix, *, seed: int = 0) -> tuple[Bound, ...]:
    """Bounds on I(X; Z) from below and from above, without training, if q(z | x) is Gaussian.

    From below by `structured_infonce`, which log n limits; from above by `leave_one_out_upper`.
    Infinite for a deterministic encoder, if x has a density.
    """
    if not encoder.stochastic:
        by = "a deterministic code of continuous data"
        return (Bound(value=math.inf, interval=(math.inf, math.inf), kind="neither", by=by),)
    if not isinstance(encoder, ModuleEncoder | AdditiveNoise):
        found = api.estimate(x, encoder.encode(x, seed=seed), seed=seed)
        by = f"mineral.estimate: {found.method}"
        return (Bound(value=found.value, interval=found.interval, kind=found.kind, by=by),)
    rows = np.asarray(x[:SANDWICHED], np.float64)
    z = encoder.encode(rows, seed=seed)
    return rate_of(*encoder.moments(rows), z)


def rate_of(center: Matrix, scale: Matrix, z: Float[np.ndarray, "n dz"]) -> tuple[Bound, Bound]:
    """I(X; Z) from below and from above, from the moments of q(z | x) and a code of each row.

    Row by row, what `bounds.structured_infonce` and `bounds.leave_one_out_upper` are means of.
    """
    scores = log_densities(
        *(torch.from_numpy(np.asarray(v, np.float64)) for v in (center, scale, z))
    )
    relative = scores - scores.diagonal()
    low = -logmeanexp(relative, dim=0).numpy()
    high = -leave_one_out_logmeanexp(relative, dim=0).diagonal().numpy()
    return (
        Bound.of(low, "lower bound", f"structured InfoNCE, at most log n = {math.log(len(z)):.1f}"),
        Bound.of(high, "upper bound", "leave-one-out mixture of the other rows"),
    )


def _neighbours(codes: Matrix, label: Int[np.ndarray, " n"], seed: int) -> tuple[Bound, ...]:
    """Neighbour counts for one label and a code: neither bound.

    Nothing for a wide code, or one whose values repeat, as those of a saturated network do.
    """
    if codes.shape[1] > WIDE or len(np.unique(codes, axis=0)) < len(codes):
        return ()
    found = Mixed(method="ross").estimate(codes[:COUNTED], label[:COUNTED], seed=seed)
    by = "neighbours (mixed, ross)"
    return (Bound(value=found.value, interval=found.interval, kind="neither", by=by),)


def _kinds(n: int, width: int, seed: int, *, thorough: bool) -> dict[str, Callable[[], Any]]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier

    def network(*hidden: int) -> Any:  # noqa: ANN401
        return MLPClassifier(hidden, early_stopping=True, max_iter=40, random_state=seed)

    def neighbours(k: int) -> Any:  # noqa: ANN401
        return KNeighborsClassifier(min(k, n))

    def boosting(leaves: int) -> Any:  # noqa: ANN401
        return HistGradientBoostingClassifier(
            max_leaf_nodes=leaves, early_stopping=True, random_state=seed
        )

    kinds = {
        "boosting of 31 leaves": lambda: boosting(31),
        "network 64-64": lambda: network(64, 64),
        "30 neighbours": lambda: neighbours(30),
    }
    more = {
        "boosting of 7 leaves": lambda: boosting(7),
        "network 128-128": lambda: network(128, 128),
        "200 neighbours": lambda: neighbours(200),
    }
    chosen = kinds | more if thorough else kinds
    if width > WIDE:
        return {name: make for name, make in chosen.items() if name.startswith("network")}
    return chosen


def class_probabilities(
    classifier: Any,  # noqa: ANN401
    rows: Matrix,
    count: int,
) -> Float[np.ndarray, "n k"]:
    """Probabilities of a classifier of scikit-learn, with a column for every class.

    Args:
        classifier: Fitted to codes 0, 1, …, some of which may not occur in its training rows: they
            have probability 0.
        rows: What it is evaluated on.
        count: k, the number of classes.
    """
    found = np.zeros((len(rows), count))
    found[:, classifier.classes_] = classifier.predict_proba(rows)
    return found


def auc(probabilities: Float[np.ndarray, "n k"], labels: Int[np.ndarray, " n"]) -> float:
    """The area under the ROC curve, the mean over classes against the rest.

    A class without rows, or with all rows, does not count: NaN if none does.
    """
    from sklearn.metrics import roc_auc_score

    present = [c for c in np.unique(labels) if (labels != c).any()]
    areas = [roc_auc_score(labels == c, probabilities[:, c]) for c in present]
    return float(np.mean(areas)) if areas else math.nan
