"""Exact neighbour counts in the maximum norm, for KSG and related estimators.

Distances are compared as computed, without a tolerance: a count depends neither on the scale of the
data nor on the algorithm. Counts are by sorting in one dimension, by trees in a few, and by
comparing all pairs, a block at a time, in many.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int

from mineral.basics.types import Mask, Matrix, PerSample, Progress, X, Y
from mineral.system.progress import silent

if TYPE_CHECKING:
    from scipy.spatial import KDTree

BLOCK = 20_000  # rows in one query of a tree, which bounds its memory
LEAF = 20  # points of a leaf of the trees that count: 10 and 40 are as fast
PAIRS = 4_000_000  # pairs compared at a time: 32 MB for each matrix of distances
MANY = 5000  # rows, from which several threads are faster than one
TREE_DIMS = 14  # dx + dy above which comparing all pairs is faster, at 1,000 to 20,000 rows

Counts = Int[np.ndarray, " n"]


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """How many samples share each sample's neighbourhood.

    Attributes:
        n_x, n_y: Others within reach in x alone, and in y alone.
        inside: Samples within reach in (x, y), itself included. In a ball that is k, unless values
            repeat: it is smaller if several samples are at the distance of the k-th neighbour, and
            the number of copies if that is an exact copy.
        boxed: Whether the reach is that of a box, with a width for x and another for y.
        copied: Whether the k-th neighbour is an exact copy.
        repeated: Share of the values that occur more than once in their column.
    """

    n_x: Counts
    n_y: Counts
    inside: Counts
    boxed: Mask
    copied: Mask
    repeated: float


def neighbours(x: X, y: Y, k: int, *, box: bool = False, progress: Progress = silent) -> Neighbours:
    """Count neighbours around each sample.

    Args:
        x: Shape (n, dx).
        y: Shape (n, dy).
        k: The neighbour in (x, y), by the larger of the distances in x and in y, that sets the
            reach. At most n − 2.
        box: False to count points strictly closer than the k-th neighbour (KSG 1), and exact copies
            if that is a copy. True to count points no further than the furthest of the k, in x and
            in y separately (KSG 2), unless repeated values make the box ambiguous.
        progress: Called with the share that is done.
    """
    if x.shape[1] + y.shape[1] > TREE_DIMS:
        return _by_pairs(x, y, k, box=box, progress=progress)
    return _by_trees(x, y, k, box=box, progress=progress)


def _reach(radius: PerSample) -> PerSample:
    """The largest distance that is strictly less than the radius; 0 if the radius is 0."""
    return np.asarray(np.where(radius > 0, np.nextafter(radius, 0), 0.0))


def _closed(
    distances: Float[np.ndarray, "n nearest"], k: int, width_x: PerSample, width_y: PerSample
) -> Mask:
    """Whether exactly the k nearest samples lie in the box that they span in x and in y."""
    before, radius, after = distances[:, k - 1], distances[:, k], distances[:, k + 1]
    return (before < radius) & (radius < after) & (width_x > 0) & (width_y > 0)


def _by_trees(x: X, y: Y, k: int, *, box: bool, progress: Progress) -> Neighbours:
    n = len(x)
    xy = np.hstack([x, y])
    tree = tree_of(xy)
    reach_x, reach_y, inside = np.empty(n), np.empty(n), np.empty(n, dtype=np.int64)
    boxed, copied = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for done, rows in near_blocks(tree.indices):
        distances, nearest = tree.query(xy[rows], k=k + 1 + box, p=np.inf, workers=threads(n))
        radius = distances[:, k]  # the first of all is the sample itself, or a copy of it
        reach_x[rows] = reach_y[rows] = _reach(radius)
        inside[rows] = (distances < radius[:, None]).sum(axis=1)
        copied[rows] = radius == 0
        if box:
            width_x = np.abs(x[nearest[:, : k + 1]] - x[rows, None]).max(axis=(1, 2))
            width_y = np.abs(y[nearest[:, : k + 1]] - y[rows, None]).max(axis=(1, 2))
            boxed[rows] = closed = _closed(distances, k, width_x, width_y)
            reach_x[rows[closed]], reach_y[rows[closed]] = width_x[closed], width_y[closed]
        progress(0.7 * done, "neighbours")
    if copied.any():
        inside[copied] = tree.query_ball_point(xy[copied], 0.0, p=np.inf, return_length=True)
    del tree, xy
    n_x = count_within(x, reach_x)
    progress(0.85, "counting in x")
    n_y = count_within(y, reach_y)
    progress(1.0, "counting in y")
    return Neighbours(
        n_x=n_x, n_y=n_y, inside=inside, boxed=boxed, copied=copied, repeated=_repeated(x, y)
    )


def threads(n: int) -> int:
    """Threads for queries of n rows: those of torch, if there are enough rows."""
    return torch.get_num_threads() if n >= MANY else 1


def tree_of(points: Matrix) -> "KDTree":
    """A tree for neighbour queries."""
    from scipy.spatial import KDTree  # a tenth of a second to import: only when needed

    # Splitting at midpoints builds several times faster than at medians; queries are as fast.
    return KDTree(points, balanced_tree=False)


def near_blocks(order: Counts) -> Iterator[tuple[float, Counts]]:
    """The share that is done, and rows that are close to each other: their nodes stay in the cache.

    A third of the time of queries in the order of the samples, at 100,000 rows.

    Args:
        order: The rows in the order of a tree.
    """
    for rows in _blocks(len(order), BLOCK):
        yield min(rows.stop, len(order)) / len(order), np.asarray(order[rows])


def count_within(points: Matrix, reach: PerSample) -> Counts:
    """For each point, how many others lie no further away than its own reach."""
    if points.shape[1] == 1:
        return _count_within_1d(points[:, 0], reach)
    from sklearn.neighbors import KDTree  # a third of a second to import: only when needed

    # It adds the size of a node that lies within reach as a whole, where SciPy's visits its points:
    # a quarter of the time in 3 dimensions (benchmarks/ksg.py).
    tree = KDTree(points, metric="chebyshev", leaf_size=LEAF)
    counts = np.empty(len(points), dtype=np.int64)
    for _, rows in near_blocks(tree.get_arrays()[1]):
        counts[rows] = tree.query_radius(points[rows], reach[rows], count_only=True)
    return counts - 1


def _count_within_1d(points: Float[np.ndarray, " n"], reach: PerSample) -> Counts:
    order = np.argsort(points)
    line, reach = points[order], reach[order]
    first = np.searchsorted(line, line - reach, side="left")
    last = np.searchsorted(line, line + reach, side="right")  # one past
    # line ± reach is rounded, and the k-th neighbour lies exactly on the edge: correct each end by
    # the distance itself, which is monotone along the line, one group of equal values at a time.
    _settle(line, reach, first, last)
    counts = np.empty(len(points), dtype=np.int64)
    counts[order] = last - first - 1
    return counts


def _settle(line: Float[np.ndarray, " n"], reach: PerSample, first: Counts, last: Counts) -> None:
    n = len(line)

    def outside(rows: Counts, places: Counts) -> np.ndarray:
        return np.asarray(np.abs(line[places] - line[rows]) > reach[rows])

    rows = np.arange(n)
    todo = rows
    while len(todo := todo[outside(todo, first[todo])]):
        first[todo] = np.searchsorted(line, line[first[todo]], side="right")
    todo = rows[first > 0]
    while len(todo := todo[~outside(todo, first[todo] - 1)]):
        first[todo] = np.searchsorted(line, line[first[todo] - 1], side="left")
        todo = todo[first[todo] > 0]
    todo = rows
    while len(todo := todo[outside(todo, last[todo] - 1)]):
        last[todo] = np.searchsorted(line, line[last[todo] - 1], side="left")
    todo = rows[last < n]
    while len(todo := todo[~outside(todo, last[todo])]):
        last[todo] = np.searchsorted(line, line[last[todo]], side="right")
        todo = todo[last[todo] < n]


def _by_pairs(x: X, y: Y, k: int, *, box: bool, progress: Progress) -> Neighbours:
    n = len(x)
    all_x, all_y = torch.from_numpy(x), torch.from_numpy(y)
    n_x, n_y, inside = (np.empty(n, dtype=np.int64) for _ in range(3))
    boxed, copied = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for rows in _blocks(n, max(1, PAIRS // n)):
        apart_x = torch.cdist(all_x[rows], all_x, p=torch.inf)
        apart_y = torch.cdist(all_y[rows], all_y, p=torch.inf)
        apart = torch.maximum(apart_x, apart_y)
        nearest = apart.topk(k + 1 + box, largest=False)
        distances = nearest.values.numpy()
        radius = distances[:, k]
        reach_x, reach_y = _reach(radius), _reach(radius)
        inside[rows] = (distances < radius[:, None]).sum(axis=1)
        copied[rows] = same = radius == 0
        inside[rows][same] = (apart[torch.from_numpy(same)] == 0).sum(dim=1).numpy()
        if box:
            near = nearest.indices[:, : k + 1]
            width_x = apart_x.gather(1, near).max(dim=1).values.numpy()
            width_y = apart_y.gather(1, near).max(dim=1).values.numpy()
            boxed[rows] = closed = _closed(distances, k, width_x, width_y)
            reach_x[closed], reach_y[closed] = width_x[closed], width_y[closed]
        n_x[rows] = (apart_x <= torch.from_numpy(reach_x)[:, None]).sum(dim=1).numpy() - 1
        n_y[rows] = (apart_y <= torch.from_numpy(reach_y)[:, None]).sum(dim=1).numpy() - 1
        progress(rows.stop / n, "neighbours")
    return Neighbours(
        n_x=n_x, n_y=n_y, inside=inside, boxed=boxed, copied=copied, repeated=_repeated(x, y)
    )


def _blocks(n: int, size: int) -> Iterator[slice]:
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def _repeated(x: X, y: Y) -> float:
    lines = np.sort(np.hstack([x, y]), axis=0)
    same = np.pad(lines[1:] == lines[:-1], ((1, 1), (0, 0)))
    return float((same[1:] | same[:-1]).mean())
