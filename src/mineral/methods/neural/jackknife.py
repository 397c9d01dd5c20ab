"""The variance of a bound over samples: the delete-a-group jackknife.

The x of a row is in its own scores, and its y in those of all other rows of its block. Both are
left out, for a group of rows at a time. Where the bound is known to be a function of sums, those
of the rows that are kept are computed for all groups at once.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from mineral.basics.numerics import off_diagonal
from mineral.basics.types import Bound, JointScores, ProductScores

GROUPS = 64  # of rows
PAIRS = 2**18  # that the standard error uses, in whole blocks; more only cost time

Grid = tuple[Float[Tensor, "blocks b"], Float[Tensor, "blocks b others"]]
Kept = Callable[[Grid, int], Float[Tensor, " groups"]]  # the bound without each group in turn


def variance(joint: JointScores, product: ProductScores, kept: Kept) -> float:
    """The variance of a bound over samples, from scores of whole blocks.

    Args:
        joint: Scores f(x_i, y_i).
        product: Those with the others of the block.
        kept: The bound without each group in turn, of (joint, product) by block.
    """
    block = product.shape[1] + 1
    blocks = max(1, min(len(joint), PAIRS // block) // block)
    grid = (
        joint[: blocks * block].view(blocks, block),
        product[: blocks * block].view(blocks, block, -1),
    )
    groups = min(GROUPS, block)
    spread = kept(grid, groups).var(correction=0) * (groups - 1)
    return float(spread * blocks * block / len(joint))


def of_any(bound: Bound, *, rows: int | None) -> Kept:
    """Of any bound, evaluated once for each group.

    Args:
        bound: (joint, product) scores to nats.
        rows: Of a bound that is a mean over rows, how many at a time: large arrays, allocated and
            freed in turn, would not be reused. None for other bounds.
    """

    def kept(grid: Grid, groups: int) -> Tensor:
        joint, product = grid
        block = joint.shape[1]
        of_x = (torch.arange(block, device=joint.device) % groups).to(torch.uint8)
        of_y = off_diagonal(of_x.expand(block, block))
        values = []
        for group in range(groups):
            chosen = torch.nonzero(of_x != group)[:, 0]
            total = torch.zeros((), dtype=joint.dtype, device=joint.device)
            for part in chosen.split(rows or len(chosen)):  # type: ignore[no-untyped-call]
                others = of_y[part] != group  # as many in every row
                left = product[:, part].masked_select(others).view(-1, int(others[0].sum()))
                total += len(part) * bound(joint[:, part].reshape(-1), left)
            values.append(total / len(chosen))
        return torch.stack(values)

    return kept


def of_partition(bound: Bound) -> Kept:
    """Of a bound that depends on the mean joint score and log mean exp of the product scores."""

    def kept(grid: Grid, groups: int) -> Tensor:
        joint, product = grid
        largest = product.amax()
        # Sums of exp(f) over x of one group and y of another.
        by_y = _by_group((product - largest).exp(), groups)
        sums = _of_rows(by_y, groups)
        counts = _of_rows(_by_group(torch.ones_like(product), groups), groups)
        others = _others(sums)
        total, count = ((others @ each * others).sum(1) for each in (sums, counts))
        log_mean = largest + _log(total / count)
        of_joint = others @ _of_rows(joint[..., None], groups)
        rows = others @ _of_rows(torch.ones_like(joint)[..., None], groups)
        pairs = zip((of_joint / rows)[:, 0], log_mean, strict=True)
        return torch.stack([bound(mean[None], log[None, None]) for mean, log in pairs])

    return kept


def of_infonce(grid: Grid, groups: int) -> Tensor:
    """Of InfoNCE: a mean over rows of the joint score less log mean exp of the row's scores."""
    joint, product = grid
    block = joint.shape[1]
    largest = torch.maximum(product.amax(2), joint)
    by_y = _by_group((product - largest[..., None]).exp(), groups)
    sums = (joint - largest).exp()[..., None] + by_y @ _others(by_y)
    # The joint score and those with the y of other groups, for a row of another group.
    counts = block - torch.bincount(_groups(block, groups, joint.device), minlength=groups)
    values = (joint - largest)[..., None] - _log(sums)
    values += counts.to(joint.dtype).log()
    others = _others(values)
    of_rows = (_of_rows(values, groups) * others).sum(0)
    return of_rows / (_of_rows(torch.ones_like(values), groups) * others).sum(0)


def _others(like: Float[Tensor, "... groups"]) -> Float[Tensor, "groups groups"]:
    """1 for each two different groups: sums of what is kept, where a difference would cancel."""
    groups = like.shape[-1]
    return 1 - torch.eye(groups, dtype=like.dtype, device=like.device)


def _log(sums: Tensor) -> Tensor:
    """Finite, even where all that is kept is beyond the range of floats."""
    return sums.clamp_min(torch.finfo(sums.dtype).tiny).log()


def _groups(block: int, groups: int, device: torch.device) -> Tensor:
    return torch.arange(block, device=device) % groups


def _by_group(product: Float[Tensor, "blocks b others"], groups: int) -> Tensor:
    """Sums over the others of each group, (blocks, b, groups)."""
    block = product.shape[1]
    of_y = off_diagonal(_groups(block, groups, product.device).expand(block, block))
    sums = product.new_zeros(*product.shape[:2], groups)
    return sums.scatter_add_(2, of_y.expand(product.shape), product)


def _of_rows(values: Float[Tensor, "blocks b k"], groups: int) -> Float[Tensor, "groups k"]:
    """Sums over the rows of each group."""
    sums = values.new_zeros(groups, values.shape[2])
    return sums.index_add_(0, _groups(values.shape[1], groups, values.device), values.sum(0))
