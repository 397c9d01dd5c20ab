"""Information of a code about the hidden variable: lower and upper bounds, in nats.

A positive lower bound proves a leak, but a small one is no evidence of privacy: a stronger
adversary may raise it. Only an upper bound limits a leak, and for a deterministic code of
continuous data the only one is H(S): I(X; Z) is infinite, even if Z does not resemble X.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mineral import api
from mineral.audit.attacks.classifiers import Panel, Sample, log_likelihood
from mineral.audit.rows import Attack, Measure
from mineral.basics.intervals import mean
from mineral.basics.types import Matrix
from mineral.methods import Estimator, Mixed
from mineral.shaping.encoder import Encoder
from mineral.shaping.measure import rate_of
from mineral.shaping.network import ModuleEncoder
from mineral.shaping.simple import AdditiveNoise

ESTIMATED_AT_MOST = 2000, 32  # rows and coordinates for an estimator
COMPARED = 1000  # rows of a matrix of densities


@dataclass(frozen=True)
class Channel:
    """A code with Gaussian noise of known size: z = mean + scale · ε.

    Attributes:
        mean: Of the code of each row.
        scale: Standard deviation of each of its coordinates.
    """

    mean: Float[np.ndarray, "n dz"]
    scale: Float[np.ndarray, "n dz"]

    def rows(self, chosen: slice) -> "Channel":
        """Some of the rows."""
        return Channel(self.mean[chosen], self.scale[chosen])


def channel(encoder: Encoder | None, x: Matrix) -> Channel | None:
    """The known noise of an encoder on these rows; None if there is none."""
    if isinstance(encoder, AdditiveNoise):
        return Channel(*encoder.moments(np.asarray(x, np.float64)))
    if isinstance(encoder, ModuleEncoder) and encoder.stochastic:
        return Channel(*encoder.moments(np.asarray(x, np.float64)))
    return None


def of_label(
    fitted: Panel,
    test: Sample,
    *,
    symbol: str,
    attack: Attack | None = None,
    above: tuple[Measure, ...] = (),
    estimate: bool = True,
    seed: int = 0,
) -> list[Measure]:
    """Bounds on I(S; Z) of a label, on held-out rows.

    Args:
        fitted: Classifiers of the label.
        test: Codes and labels.
        symbol: Of the label: `"S"` or `"L"`.
        attack: Whose error rate gives a bound by Fano's inequality.
        above: Upper bounds on I(X; Z), which bounds I(S; Z).
        estimate: Whether to count neighbours as well, where codes have few coordinates.
        seed: Of the estimator.
    """
    codes, labels = test
    name = f"I({symbol}; Z)"
    surprise = -np.log(np.bincount(labels) / len(labels))[labels]
    best = fitted.best_calibrated
    found = surprise + log_likelihood(fitted.probabilities(best, codes), labels)
    value, interval = mean(found)
    measures = [
        Measure(
            name=name,
            value=value,
            interval=interval,
            side="lower bound",
            how=f"H({symbol}) − cross entropy of {best.name}",
        )
    ]
    if attack is not None:
        measures.append(_fano(name, attack, labels))
    if estimate and codes.shape[1] <= ESTIMATED_AT_MOST[1] and _differ(codes):
        measures.append(_estimated(name, codes, labels, Mixed(method="ross"), seed))
    value, interval = mean(surprise)
    entropy = Measure(
        name=name,
        value=value,
        interval=interval,
        side="upper bound",
        how=f"H({symbol}): the entropy, an upper bound for any code",
    )
    return [*measures, entropy, *(_about(each, name) for each in above if each.value < math.inf)]


def of_everything(
    codes: Matrix, known: Channel | None, *, stochastic: bool | None = False
) -> list[Measure]:
    """Bounds on I(X; Z): of X itself, not of a label.

    Args:
        codes: Shape (n, dz), of rows that decided nothing.
        known: The noise of the encoder on the same rows.
        stochastic: Whether there is noise or a shuffle; None where that is not known.
    """
    name = "I(X; Z)"
    if known is None:
        below = [] if stochastic or stochastic is None else [_distinct(name, codes)]
        return [*below, _infinite(name)]
    some = known.rows(slice(COMPARED))
    z = np.asarray(codes[:COMPARED], np.float64)
    low, high = rate_of(some.mean, some.scale, z)
    return [
        Measure(
            name=name,
            value=low.value,
            interval=low.interval,
            side="lower bound",
            how=f"InfoNCE with the known density, at most log {len(z):,}",
        ),
        Measure(
            name=name,
            value=high.value,
            interval=high.interval,
            side="upper bound",
            how="leave-one-out bound with the known density",
        ),
        _gaussian_channel(name, known),
    ]


def of_numbers(
    hidden: Float[np.ndarray, "n dh"],
    codes: Matrix,
    *,
    above: tuple[Measure, ...] = (),
    estimate: bool = True,
    seed: int = 0,
) -> list[Measure]:
    """I(S; Z) of hidden numbers: an estimate, and the bounds on I(X; Z)."""
    name, measures = "I(S; Z)", []
    if estimate and max(hidden.shape[1], codes.shape[1]) <= ESTIMATED_AT_MOST[1]:
        measures = [_estimated(name, codes, hidden, each, seed) for each in ("infonce", "auto")]
    return [*measures, *(_about(each, name) for each in above)]


def _about(bound: Measure, name: str) -> Measure:
    """A bound on I(X; Z) as one on I(S; Z), where Z is made of X alone."""
    how = f"I(X; Z), {bound.how}"
    value, interval = bound.value, bound.interval
    return Measure(name=name, value=value, interval=interval, side="upper bound", how=how)


def _fano(name: str, attack: Attack, labels: Int[np.ndarray, " n"]) -> Measure:
    """H(S) − h(error) − error · log(classes − 1): Fano's lower bound from an error rate.

    References:
        Fano (1961). Cover & Thomas (2006), Elements of Information Theory, Theorem 2.10.1.
    """
    shares = np.bincount(labels) / len(labels)
    shares = shares[shares > 0]
    entropy = float(-(shares * np.log(shares)).sum())

    def fano(right: float) -> float:
        wrong = 1 - right
        unsure = sum(-p * math.log(p) for p in (right, wrong) if p > 0)
        return entropy - unsure - wrong * math.log(max(1, len(shares) - 1))

    # An accuracy below chance gives no bound in this direction.
    blind = 1 / len(shares)
    low, high = (fano(max(end, blind)) for end in attack.interval)
    return Measure(
        name=name,
        value=fano(max(attack.value, blind)),
        interval=(low, high),
        side="lower bound",
        how="Fano's inequality, from the attack's error rate",
    )


def _differ(codes: Matrix) -> bool:
    """Whether neighbours can be counted: the codes of a saturated network repeat."""
    return len(np.unique(codes, axis=0)) == len(codes)


def _estimated(
    name: str, codes: Matrix, other: np.ndarray, estimator: str | Estimator, seed: int
) -> Measure:
    rows = slice(0, ESTIMATED_AT_MOST[0])
    found = api.estimate(
        np.asarray(codes[rows], np.float64), other[rows], estimator=estimator, seed=seed
    )
    return Measure(
        name=name,
        value=found.value,
        interval=found.interval,
        side=found.kind,
        how=f"mineral.estimate: {found.method}",
    )


def _distinct(name: str, codes: Matrix) -> Measure:
    """InfoNCE with a perfect critic of a deterministic code: rows identified by their codes."""
    _, inverse, count = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    value, interval = mean(math.log(len(codes)) - np.log(count[inverse.ravel()]))
    return Measure(
        name=name,
        value=value,
        interval=interval,
        side="lower bound",
        how=f"rows identified by their codes, at most log {len(codes):,}",
    )


def _infinite(name: str) -> Measure:
    return Measure(
        name=name,
        value=math.inf,
        interval=(math.inf, math.inf),
        side="upper bound",
        how="no finite bound: the noise has no known density",
    )


def _gaussian_channel(name: str, known: Channel) -> Measure:
    """½ log det Cov(Z) − E log |scale|: a Gaussian maximizes entropy for a given covariance.

    References:
        Cover & Thomas (2006), Elements of Information Theory, Theorem 8.6.5.
    """
    centered = known.mean - known.mean.mean(axis=0)
    covariance = centered.T @ centered / len(centered)
    covariance += np.diag(np.square(known.scale).mean(axis=0))
    logs = np.log(known.scale).sum(axis=1)
    value = float(np.linalg.slogdet(covariance)[1] / 2 - logs.mean())
    # By the delta method: how the value moves with the weight of each row.
    inverse = np.linalg.inv(covariance)
    squares = ((centered @ inverse) * centered).sum(1) + np.square(known.scale) @ inverse.diagonal()
    low, high = mean(squares / 2 - logs)[1]
    return Measure(
        name=name,
        value=value,
        interval=(value - (high - low) / 2, value + (high - low) / 2),
        side="upper bound",
        how="capacity of Gaussian noise at the covariance of these codes",
    )
