"""A discrete condition: I(X; Y | Z) = Σ p(z) I(X; Y | Z = z), each term from the rows of its z."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int

from mineral.basics.types import Rows, Z
from mineral.decision import Decision
from mineral.methods.base import CONFIDENCE_95, Measurement, Measures, Run
from mineral.results import Caution
from mineral.samples import Conditioned, Paired, symbols

ROWS_PER_VALUE = 10  # of Z on average, from which rows of the same value are compared
SMALL = 5  # rows of a stratum, below which its term says little
FEW = 0.05  # share of the rows in small strata, from which there is a caution


def codes_of(z: Z) -> Int[np.ndarray, " n"] | None:
    """The value of Z in each row as a code, if values repeat often enough to compare their rows."""
    codes = symbols(z)
    return codes if (int(codes.max()) + 1) * ROWS_PER_VALUE <= len(z) else None


def over_strata(samples: Conditioned, run: Run, inner: Measures[Paired]) -> Measurement:
    """The sum over the values of Z, weighted by their shares of the rows.

    A stratum in which X or Y is constant adds 0. The standard error joins that of each term with
    that of the shares.

    Args:
        samples: All rows.
        run: How to run.
        inner: Estimates a term, from the rows of one value of Z.
    """
    n = len(samples)
    codes = symbols(samples.z) if samples.z.shape[1] else np.zeros(n, dtype=np.int64)
    order = np.argsort(codes, kind="stable")
    strata = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    terms = [_Term(rows, _found(samples.rows(rows).pair, run, inner)) for rows in strata]
    kept = [(term.rows, term.found) for term in terms if term.found is not None]
    shares = np.array([len(rows) / n for rows, _ in kept])
    found = [each for _, each in kept]
    means, pointwise = np.zeros(n), np.zeros(n)
    for rows, each in kept:
        means[rows] = each.value
        pointwise[rows] = np.nan if each.pointwise is None else each.pointwise
    within = shares * np.array([each.stderr for each in found])
    stderr = float(np.hypot(np.linalg.norm(within), means.std() / np.sqrt(n)))
    is_known = not np.isnan(pointwise).any()
    if is_known:  # of small tables that of the terms is 20 % short (random tables, 1,000 rows)
        stderr = max(stderr, float(pointwise.std() / np.sqrt(n)))
    return Measurement(
        value=float(means.mean()),
        stderr=stderr,
        missing=_missing(shares, found, within),
        pointwise=pointwise if is_known else None,
        cautions=(*_small([len(rows) for rows in strata], n), *_in_most(found)),
        path=(f"Condition: the sum over {len(strata)} different values.",),
        decision=_decision(found, n),
    )


@dataclass(frozen=True)
class _Term:
    """The rows of one value of Z, and what was found of them."""

    rows: Rows
    found: Measurement | None


def _found(pair: Paired, run: Run, inner: Measures[Paired]) -> Measurement | None:
    """The term of one stratum; None where X or Y is constant in it."""
    if any((side == side[:1]).all() for side in (pair.x, pair.y)):
        return None
    return inner.measure(replace(pair.measurable()[0], rows_a_draw=1.0), run)


def _missing(shares: np.ndarray, found: list[Measurement], within: np.ndarray) -> float:
    """What the terms miss, and how much further up their asymmetric intervals reach."""
    named = float(sum(s * each.missing for s, each in zip(shares, found, strict=True)))
    above = shares * np.array(
        [each.reach(0.95)[1] if each.reach else CONFIDENCE_95 * each.stderr for each in found]
    )
    further = float((above**2).sum() - (CONFIDENCE_95**2 * within**2).sum())
    return float(np.hypot(named, np.sqrt(max(0.0, further))))


def _small(sizes: list[int], n: int) -> tuple[Caution, ...]:
    few = sum(size for size in sizes if size < SMALL)
    if few < FEW * n:
        return ()
    return (
        Caution(
            "small-strata",
            f"{few:,} of {n:,} rows have a value of the condition that fewer than {SMALL} rows "
            "share, and add little or nothing: merge rare values.",
        ),
    )


def _in_most(found: list[Measurement]) -> tuple[Caution, ...]:
    """The cautions of more than half of the terms, each once."""
    codes = [caution.code for part in found for caution in part.cautions]
    firsts = {c.code: c for part in found for c in reversed(part.cautions)}
    return tuple(c for code, c in firsts.items() if codes.count(code) > len(found) / 2)


def _decision(found: list[Measurement], n: int) -> Decision | None:
    considered = tuple(c for part in found if part.decision for c in part.decision.considered)
    return Decision(considered=considered, rows=n, wrapper="strata") if considered else None
