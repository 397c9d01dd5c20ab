"""Are X and Y independent given Z? A permutation test on residuals, local where it has to be.

Under the null hypothesis the residuals of X, once Z is regressed out, can be exchanged between rows
of equal Z, whatever Y is. Here they are exchanged within small groups of rows among which what Z
says of them is alike: their mean and their size, as regressed on Z. So many columns of Z do not
make groups wide. A label is exchanged so by its fitted probabilities. Of a discrete Z the groups
are its values. Each row is used once: a permutation without repeats.

The side that depends less on Z is permuted. Three statistics are standardized over all permutations
and the largest counts, as in the test without a condition (`mineral.permutation`):

    T₁  the information of a Gaussian copula of both residuals, from canonical correlations
    T₂  ‖C‖² of random Fourier features of r_x and of r_y
    T₃  ‖C‖² of features of r_x and of (r_y, Z), which sees dependence whose sign Z decides

What Z says of Y's features is regressed out of these as well, so that a difference of Z within a
group counts only where Z matters to both sides beyond the regression.

References:
    Runge (2018), local permutation, arXiv:1709.01447.
    Freedman & Lane (1983), permuted residuals of a regression, doi:10.2307/1391660.
    Phipson & Smyth (2010), on p-values that are never 0, doi:10.2202/1544-6115.1585.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.types import Matrix
from mineral.methods.conditional.regressed import Regressed, regressed, untied
from mineral.methods.conditional.strata import codes_of
from mineral.permutation import Independence, copula_statistics, p_value_of, waves
from mineral.samples import Conditioned, indicators, normal_scores, whiten, without

GROUP = 8  # rows, at least, within which rows are exchanged; a group has fewer than 16

Groups = Int[np.ndarray, " n"]
Basis = Float[np.ndarray, "n functions"]


@dataclass(frozen=True)
class _Setting:
    """What is permuted, and among which rows.

    Attributes:
        mover: Numbers as residuals, and labels as indicators, of the side that is permuted.
        other: The same of the other side.
        groups: The group of each row; rows are exchanged within groups.
        directions: Orthonormal functions of Z that are regressed out.
        surrogates: In words.
    """

    mover: Matrix
    other: Matrix
    groups: Groups
    directions: Basis
    surrogates: str


def permuted_given(samples: Conditioned, permutations: int, seed: int) -> Independence:
    """The test on checked samples without constant columns; Z has one column at least."""
    rng = np.random.default_rng(seed)
    setting = _setting(samples, seed)
    n = len(samples)
    z = normal_scores(samples.numbers_z)
    mover, other = normal_scores(setting.mover), normal_scores(setting.other)
    directions = setting.directions

    def without_z(features: Matrix) -> Matrix:
        return without(features - features.mean(axis=0), directions)

    of_x, of_y = whiten(without_z(mover))[0], whiten(without_z(other))[0]
    wave_x, wave_y = waves(mover, rng), without_z(waves(other, rng))
    wave_yz = without_z(waves(np.hstack([other, z]), rng))
    orders = [np.arange(n), *(_within(setting.groups, rng) for _ in range(permutations))]
    # Residuals lie beside Z; permuted ones do not, and look smaller there.
    share = np.sqrt(1 - directions.shape[1] / n)
    of_copula = copula_statistics(of_y, of_x, orders, shrunk=share)
    statistics = [of_copula]
    for wave in (wave_y, wave_yz):
        squares = np.array([float(((wave_x[order].T @ wave) ** 2).sum()) for order in orders])
        squares[1:] /= share**2
        statistics.append(squares)
    p_value, most_extreme = p_value_of(statistics)
    return Independence(
        p_value=p_value,
        permutations=permutations,
        by=("copula", "kernel", "kernel")[most_extreme],
        n=n,
        warnings=samples.pair.cautions,
        surrogates=setting.surrogates,
    )


def _setting(samples: Conditioned, seed: int) -> _Setting:
    pair = samples.pair
    of_z = codes_of(samples.z)
    if of_z is not None:
        strata = (of_z[:, None] == np.arange(1, int(of_z.max()) + 1)).astype(np.float64)
        return _Setting(
            mover=indicators(pair.x, pair.categorical_x),
            other=indicators(pair.y, pair.categorical_y),
            groups=of_z,
            directions=whiten(strata)[0] if strata.shape[1] else strata,
            surrogates="permutations within each value of the condition",
        )
    whole = untied(samples, np.random.default_rng(seed))
    left = regressed(whole, scores=True, linear=False, seed=seed)
    moves_x = left.p_x >= left.p_y
    sides = (
        indicators(left.pair.x, pair.categorical_x),
        indicators(left.pair.y, pair.categorical_y),
    )
    mover, other = sides if moves_x else sides[::-1]
    basis = _basis(left)
    groups = _groups(_nuisance(mover, basis))
    surrogates = f"permutations of residuals within groups of {GROUP} rows or more"
    name = "x" if moves_x else "y"
    return _Setting(mover, other, groups, basis, f"{surrogates}, of {name}")


def _basis(left: Regressed) -> Basis:
    """The basis that was regressed out or, where it is empty, a linear one."""
    return whiten(left.functions if left.freedom else left.z)[0]


def _nuisance(mover: Matrix, basis: Basis) -> Float[np.ndarray, "n parts"]:
    """What Z says of the side that is permuted: its mean and its size, each as regressed on Z."""
    features = np.hstack([mover, np.abs(mover - np.median(mover, axis=0))])
    features = features - features.mean(axis=0)
    fitted = basis @ (basis.T @ features)
    spread = fitted.std(axis=0)
    return np.asarray(fitted[:, spread > 1e-9 * features.std(axis=0).clip(min=1e-300)])


def _groups(nuisance: Matrix) -> Groups:
    """Groups of near rows: halves of halves, split at the median of the widest column."""
    groups = np.zeros(len(nuisance), dtype=np.int64)
    if nuisance.shape[1] == 0:
        return groups
    unit = nuisance / nuisance.std(axis=0)
    todo = [np.arange(len(unit))]
    number = 0
    while todo:
        rows = todo.pop()
        if len(rows) < 2 * GROUP:
            groups[rows] = number
            number += 1
            continue
        widest = int(np.ptp(unit[rows], axis=0).argmax())
        order = rows[np.argsort(unit[rows, widest], kind="stable")]
        todo += [order[: len(order) // 2], order[len(order) // 2 :]]
    return groups


def _within(groups: Groups, rng: np.random.Generator) -> Int[np.ndarray, " n"]:
    """A random permutation of the rows within their groups."""
    order = np.empty(len(groups), dtype=np.int64)
    order[np.argsort(groups, kind="stable")] = np.lexsort((rng.random(len(groups)), groups))
    return order
