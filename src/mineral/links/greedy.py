"""Greedy selection of past values, each by its conditional information given those before it.

The target's own past is selected first, so that a source counts for what it adds to it. Then every
remaining past value, the target's own among them, is a candidate. At each step the candidate with
the smallest p-value is tested against the smallest of all candidates under rotation, and the
first that fails ends the selection. Afterwards each selected value is tested again, given all the
others, and the least significant ones are removed.

References:
    Faes, Nollo & Porta (2011), greedy selection of lags, doi:10.1103/PhysRevE.83.051112.
    Novelli et al. (2019), arXiv:1902.06828.
"""

from collections.abc import Sequence

from mineral.links.candidates import Candidates, Logs, smallest
from mineral.links.grid import Grid, Past

ROWS_PER_FUNCTION = 5  # of the selection: with fewer rows it ends


def select(grid: Grid, target: int, sources: Sequence[int], alpha: float) -> tuple[Past, ...]:
    """The past values that act on a target.

    Args:
        grid: The series.
        target: The place of the target.
        sources: Places of other columns.
        alpha: The level of each test.
    """
    own = [(target, lag) for lag in grid.lags]
    every = [*own, *((column, lag) for column in sources for lag in grid.lags)]
    selected = _forward(grid, target, (), own, alpha)
    selected = _forward(grid, target, selected, every, alpha)
    return _pruned(grid, target, selected, every, alpha)


def _forward(
    grid: Grid, target: int, selected: tuple[Past, ...], pasts: Sequence[Past], alpha: float
) -> tuple[Past, ...]:
    while len(selected) < len(pasts):
        candidates = Candidates(grid=grid, target=target, selected=selected)
        if not _has_rows(candidates):
            break
        past, log_p, null = smallest(candidates, [p for p in pasts if p not in selected])
        if rank_p(log_p, null) > alpha:
            break
        selected = (*selected, past)
    return selected


def _pruned(
    grid: Grid, target: int, selected: tuple[Past, ...], pasts: Sequence[Past], alpha: float
) -> tuple[Past, ...]:
    while selected:
        p_values = []
        for past in selected:
            others = tuple(other for other in selected if other != past)
            candidates = Candidates(grid=grid, target=target, selected=others)
            _, _, null = smallest(candidates, [p for p in pasts if p not in others])
            log_p = float(candidates.log_p(past[0], [past[1]])[0, 0])
            p_values.append((rank_p(log_p, null), log_p, past))
        p_value, _, worst = max(p_values)
        if p_value <= alpha:
            break
        selected = tuple(past for past in selected if past != worst)
    return selected


def _has_rows(candidates: Candidates) -> bool:
    functions = candidates.basis.shape[1] + len(candidates.grid.functions[candidates.target])
    return bool(len(candidates.times) >= ROWS_PER_FUNCTION * functions)


def rank_p(log_p: float, null: Logs) -> float:
    """The p-value of a statistic by its rank among those under the null; never 0."""
    return (1 + int((null <= log_p).sum())) / (1 + len(null))
