"""Whether a log density ratio is one: over product samples, the mean of its exponential is 1.

    E_q[exp f] = 1        for f = log p(x, y) / p(x) p(y)

An ellipse fitted to what is none, such as clusters, may count the same information once for each
component. What it then claims too much stands in log E_q[exp f], and without it the value is
Donsker–Varadhan's bound.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from mineral.methods.base import Measurement, Run
from mineral.numerics import logmeanexp
from mineral.results import Caution
from mineral.samples import Paired, shifted

PAIRS = 100_000  # product samples looked at, about
LEAST = 0.05  # nats of excess that are worth a word
CLEARLY = 3.0  # standard errors


def excess(product: Float[np.ndarray, " pairs"]) -> float:
    """log mean exp f over product samples, if it is clearly above 0; otherwise 0.

    Where information is high, few pairs make up the mean: its error is as large as itself, and
    nothing is clear.
    """
    count = len(product)
    scores = torch.from_numpy(np.ascontiguousarray(product))
    log_mean, log_square = float(logmeanexp(scores)), float(logmeanexp(2 * scores))
    error = np.sqrt(max(0.0, np.expm1(min(log_square - 2 * log_mean, 700.0))) / count)
    return log_mean if log_mean > max(LEAST, CLEARLY * error) else 0.0


def normalized(found: Measurement, samples: Paired, run: Run) -> Measurement:
    """Without what its model claims too much, and with a word about it."""
    if found.model is None:
        return found
    n = len(samples)
    m = min(n - 1, max(1, PAIRS // n))
    partners = shifted(n, m, run.rng())
    product = found.model.of_products(samples.x, samples.y, partners)
    claimed = excess(product.ravel())
    if not claimed:
        return found
    doubt = Caution(
        "not-an-ellipse",
        "The copula's value exceeds the Donsker–Varadhan bound of its own density ratio by "
        f"{claimed:.2g} nats: a Gaussian copula does not describe x and y (clusters, for "
        "example). The excess is subtracted, and the interval is wider.",
    )
    return replace(
        found,
        value=found.value - claimed,
        stderr=float(np.hypot(found.stderr, min(claimed, abs(found.value - claimed)) / 2)),
        cautions=(*found.cautions, doubt),
        model=None,
    )
