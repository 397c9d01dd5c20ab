"""A check that a log density ratio is normalized: its exponential has mean 1 on product samples.

    E_q[exp f] = 1        for f = log p(x, y) / p(x) p(y)

An elliptical model fitted to other data, such as clusters, may count the same information once for
each component. The excess is log E_q[exp f]; subtracting it gives the Donsker–Varadhan bound.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from mineral.basics.numerics import logmeanexp
from mineral.methods.base import Measurement, Run
from mineral.results import Caution
from mineral.samples import Paired, shifted

PAIRS = 100_000  # approximate number of product samples
LEAST = 0.05  # nats of excess, from which there is a caution
CLEARLY = 3.0  # standard errors


def excess(product: Float[np.ndarray, " pairs"]) -> float:
    """log mean exp f over product samples, if it is significantly above 0; otherwise 0.

    At high information, few pairs dominate the mean: its error is as large as the mean itself, and
    nothing is significant.
    """
    count = len(product)
    scores = torch.from_numpy(np.ascontiguousarray(product))
    log_mean, log_square = float(logmeanexp(scores)), float(logmeanexp(2 * scores))
    error = np.sqrt(max(0.0, np.expm1(min(log_square - 2 * log_mean, 700.0))) / count)
    return log_mean if log_mean > max(LEAST, CLEARLY * error) else 0.0


def normalized(found: Measurement, samples: Paired, run: Run) -> Measurement:
    """Subtract the excess of the model, with a caution."""
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
