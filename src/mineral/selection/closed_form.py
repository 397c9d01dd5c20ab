"""I(column; variable) in nats, for all columns at once and one variable.

    number and number      −½ log(1 − ρ²) of normal scores: the Gaussian copula
    number and category    ½ log S² − ½ Σ p_c log S_c², with the variances S² of the normal scores
                           and S_c² of those in category c: a lower bound, since a Gaussian has the
                           largest entropy of its variance
    category and category  H(A) + H(B) − H(A, B) from counts

Each has its bias subtracted: what the formula gives on average for independent Gaussian variables,
or Miller and Madow's correction of counts. So a value of independent variables may be negative.

References:
    Ince et al. (2017), copula and mixed information in closed form, doi:10.1002/hbm.23471.
    Misra, Singh & Demchuk (2005), E log of a sample variance, doi:10.1016/j.jmva.2003.10.003.
    Miller (1955), Note on the bias of information estimates.
"""

from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float, Int
from scipy.special import digamma, xlogy

from mineral.methods.copulas.gaussian import gaussian_bias
from mineral.methods.counts.entropies import plug_in
from mineral.selection.columns import Coded, Table, Variable

Correction: TypeAlias = Literal["miller-madow", "none"]
PerColumn: TypeAlias = Float[np.ndarray, " columns"]

LARGEST = 1 - np.finfo(float).eps  # ρ²
SMALLEST = np.finfo(float).tiny  # a variance


def with_all_columns(
    table: Table, variable: Variable, correction: Correction = "miller-madow"
) -> PerColumn:
    """The information of each column and one variable, in nats.

    Args:
        table: The columns.
        variable: The target, or one of the columns.
        correction: Of counts.
    """
    nats = np.empty(len(table))
    if len(table.numbers):
        nats[table.numbers] = _of_numbers(table, variable)
    if table.discrete.any():
        nats[table.discrete] = _of_categories(table.coded, variable, correction)
    return nats


def _of_numbers(table: Table, variable: Variable) -> PerColumn:
    n = table.n
    if variable.codes is None:
        correlations = (table.scores_of_numbers @ variable.scores).astype(np.float64)
        squared = np.minimum(correlations**2, LARGEST)
        return np.asarray(
            -np.log1p(-squared) / 2 - (gaussian_bias(float(n), 1, 1) if n > 2 else 0.0)
        )
    counts = np.bincount(variable.codes).astype(float)
    sums, squares = (moment @ variable.indicators for moment in table.moments_of_numbers)
    within = category_terms(counts, sums, squares, n).sum(axis=1)
    return np.asarray(np.minimum(within, plug_in(counts[counts > 0])))


def _of_categories(coded: Coded, variable: Variable, correction: Correction) -> PerColumn:
    n = coded.indicators.shape[1]
    if variable.codes is None:
        sums, squares = (coded.indicators @ moment for moment in variable.moments)
        terms = category_terms(coded.counts, sums, squares, n)
        entropies = np.log(n) - coded.per_column(xlogy(coded.counts, coded.counts)) / n
        return np.asarray(np.minimum(coded.per_column(terms), entropies))
    return counted(coded, coded.indicators @ variable.indicators, correction)


def category_terms(
    counts: Float[np.ndarray, "... categories"],
    sums: Float[np.ndarray, "... categories"],
    squares: Float[np.ndarray, "... categories"],
    n: int,
) -> Float[np.ndarray, "... categories"]:
    """The share of each category in ½ log S² − ½ Σ p_c log S_c², without bias.

    Args:
        counts: Rows of each category.
        sums: Of the mean scores of these rows; all n scores have mean 0 and length 1.
        squares: Of their mean squares: above the squared mean where values are equal.
        n: Rows.
    """
    several = counts > 1
    rows = np.where(several, counts, 2.0)
    variance = np.maximum((squares - sums**2 / rows) / (rows - 1), SMALLEST)
    overall = -np.log(n - 1.0) - _log_variance_bias(np.array(float(n)))
    terms = counts / n * (overall - np.log(variance) + _log_variance_bias(rows)) / 2
    return np.asarray(np.where(several, terms, 0.0))


def counted(
    coded: Coded, cells: Float[np.ndarray, "categories symbols"], correction: Correction
) -> PerColumn:
    """The information of each discrete column and a discrete variable, from contingency tables.

    Args:
        coded: The columns.
        cells: Rows of each category of a column and each symbol of the variable.
        correction: "miller-madow", or "none" for the plug-in value.
    """
    n = coded.indicators.shape[1]
    symbols = cells[: coded.sizes[0]].sum(axis=0)
    joint = coded.per_column(xlogy(cells, cells).sum(axis=1))
    own = coded.per_column(xlogy(coded.counts, coded.counts))
    nats = (joint - own - xlogy(symbols, symbols).sum()) / n + np.log(n)
    if correction == "none":
        return np.asarray(nats)
    filled = coded.per_column((cells > 0).sum(axis=1).astype(float))
    return np.asarray(nats - (filled - coded.sizes - (symbols > 0).sum() + 1) / (2 * n))


def _log_variance_bias(rows: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """E log s² − log σ² of a Gaussian sample of this many rows."""
    half = (rows - 1) / 2
    return np.asarray(digamma(half) - np.log(half))


def pair_pmi(x: Variable, y: Variable) -> Float[np.ndarray, " n"]:
    """The pointwise information of each row of two numbers, without bias correction."""
    n = len(x.scores)
    u, v = x.scores * np.sqrt(n), y.scores * np.sqrt(n)
    rho = float(np.clip(x.scores @ y.scores, -np.sqrt(LARGEST), np.sqrt(LARGEST)))
    rest = 1 - rho**2
    squares = rho**2 * (u**2 + v**2) - 2 * rho * u * v
    return np.asarray(-np.log(rest) / 2 - squares / (2 * rest))


def class_pmi(x: Variable, codes: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The pointwise information of each row of a number and a category, without bias correction."""
    n = len(codes)
    u, square = x.moments[0] * np.sqrt(n), x.moments[1] * n
    counts = np.bincount(codes).astype(float)
    mean = np.bincount(codes, weights=u) / counts
    variance = np.maximum(np.bincount(codes, weights=square) / counts - mean**2, SMALLEST)
    variance = np.where(counts > 1, variance, 1.0)[codes]
    mean = np.where(counts > 1, mean, 0.0)[codes]
    within = (square - 2 * u * mean + mean**2) / variance
    return np.asarray((square - within - np.log(variance)) / 2)
