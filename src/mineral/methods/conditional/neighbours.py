"""Neighbour counts given Z: how many samples share each one's neighbourhood in Z and beside.

Around each sample, take the distance to its k-th neighbour in (x, y, z), in the maximum norm, and
count the samples strictly closer than that, itself included: in z, in (x, z) and in (y, z). Where
the k-th neighbour is an exact copy, copies count, and k̃ is their number:

    I(X; Y | Z) ≈ mean[ψ(k̃) + ψ(n_z) − ψ(n_xz) − ψ(n_yz)].

Without ties this is Frenzel and Pompe's estimate; Mesner and Shalizi's, for discrete and mixed
variables, counts copies in the same way. Without Z it is that of Kraskov et al. but for
ψ(n + 1) in place of ψ(n).

References:
    Frenzel & Pompe (2007), doi:10.1103/PhysRevLett.99.204101.
    Mesner & Shalizi (2021), arXiv:1912.03387.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Int

from mineral.basics.special import digamma
from mineral.basics.types import PerSample, X, Y, Z
from mineral.methods.neighbours.geometry import PAIRS, TREE_DIMS, count_within, near_blocks, tree_of

Counts = Int[np.ndarray, " n"]


def contributions(x: X, y: Y, z: Z, k: int) -> PerSample:
    """What each sample contributes to the estimate.

    Args:
        x: In the units that distances are measured in.
        y: The same.
        z: The same; it may have no columns.
        k: Neighbours to look at, at most n − 2.
    """
    dims = x.shape[1] + y.shape[1] + z.shape[1]
    counts = _by_trees(x, y, z, k) if dims <= TREE_DIMS else by_pairs(x, y, z, k)
    return from_counts(*counts)


def from_counts(inside: Counts, of_z: Counts, of_xz: Counts, of_yz: Counts) -> PerSample:
    """The contribution of each row, from the rows within its reach, itself included."""
    return np.asarray(digamma(inside) + digamma(of_z) - digamma(of_xz) - digamma(of_yz))


def _by_trees(x: X, y: Y, z: Z, k: int) -> tuple[Counts, ...]:
    n = len(x)
    joint = np.hstack([x, y, z])
    tree = tree_of(joint)
    distances = np.empty((n, k + 1))
    for _, rows in near_blocks(tree.indices):
        distances[rows] = tree.query(joint[rows], k=k + 1, p=np.inf)[0]
    radius = distances[:, k]
    inside = (distances < radius[:, None]).sum(axis=1)
    same = radius == 0
    if same.any():
        inside[same] = tree.query_ball_point(joint[same], 0.0, p=np.inf, return_length=True)
    reach = np.where(same, 0.0, np.nextafter(radius, 0))
    of_z = np.full(n, n) if z.shape[1] == 0 else count_within(z, reach) + 1
    of_xz, of_yz = (count_within(np.hstack([side, z]), reach) + 1 for side in (x, y))
    return inside, of_z, of_xz, of_yz


def by_pairs(
    x: X, y: Y, z: Z, k: int, *, near: Callable[[slice], torch.Tensor] | None = None
) -> tuple[Counts, ...]:
    """Rows within the reach of each row in (x, y, z), z, (x, z) and (y, z), by comparing all pairs.

    Args:
        x: As of `contributions`, and the next three.
        y: The same.
        z: The same.
        k: Neighbours.
        near: Of some rows, which of all rows are no neighbours and are not counted; a row itself
            is never among these. None to count all.
    """
    n = len(x)
    parts = [torch.from_numpy(np.ascontiguousarray(part)) for part in (x, y, z)]
    counts = np.empty((4, n), dtype=np.int64)
    for start in range(0, n, max(1, PAIRS // n)):
        rows = slice(start, min(start + max(1, PAIRS // n), n))
        in_x, in_y, in_z = (
            torch.cdist(part[rows], part, p=torch.inf)
            if part.shape[1]
            else torch.zeros(rows.stop - rows.start, n, dtype=torch.float64)
            for part in parts
        )
        in_xz, in_yz = torch.maximum(in_x, in_z), torch.maximum(in_y, in_z)
        joint = torch.maximum(in_xz, in_y)
        left_out = None if near is None else near(rows)
        if left_out is not None:
            joint.masked_fill_(left_out, torch.inf)
        radius = joint.kthvalue(k + 1, dim=1).values[:, None]
        within = [(apart < radius) | (apart == 0) for apart in (joint, in_z, in_xz, in_yz)]
        if left_out is not None:
            within = [each & ~left_out for each in within]
        counts[:, rows] = torch.stack([each.sum(dim=1) for each in within]).numpy()
    return tuple(counts)
