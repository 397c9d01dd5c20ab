"""Scores of a critic, also on more pairs than fit in memory at once."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from mineral.basics.types import JointScores, ProductScores
from mineral.bounds.ascent import block_scores
from mineral.critics import Baselined, SeparableCritic
from mineral.networks.direct import draws_nothing
from mineral.system.chance import Chance

Pairs = tuple[Tensor, Tensor]  # x of shape (n, dx) and y of shape (n, dy), paired row by row
ALL = slice(None)
# Pairs scored at a time outside training: 512 kB for each layer of 64 units, which a cache holds.
# 2**14 take 1.4 times as long.
SCORES = 2**11
SCORES_OF_TWO = 2**20  # the same where x and y have a network each: 4 MB of scores alone


def score(critic: nn.Module, pairs: Pairs, block: int) -> tuple[JointScores, ProductScores]:
    """Joint scores (n,), and product scores (n, block − 1) against the others of each block.

    Rows are taken in blocks as they come, so their order must be random. n is a multiple of
    `block`.
    """
    x, y = pairs
    return block_scores(_grid(critic, x.view(-1, block, x.shape[1]), y.view(-1, block, y.shape[1])))


def _grid(critic: nn.Module, x: Tensor, y: Tensor, rows: slice = ALL) -> Tensor:
    """scores[k, i, j] of x (blocks, b, dx) and y (blocks, b, dy), for these rows i of a block."""
    few = x[:, rows]
    grid = few[:, :, None], y[:, None]
    if not isinstance(critic, Baselined):
        scores: Tensor = critic(*grid)
        return scores
    baseline = critic.baseline(few.flatten(0, 1), y[:, rows].flatten(0, 1))
    less: Tensor = critic.critic(*grid) - baseline.view(*few.shape[:2], 1)
    return less


def score_all(critic: nn.Module, pairs: Pairs, block: int) -> tuple[JointScores, ProductScores]:
    """`score` for any number of rows, at least 2, without a gradient.

    What comes of `score_parts`, in one piece: n · `block` scores.
    """
    # Filled in place: many small results among large temporaries would keep these from being freed.
    joint, product, start = torch.empty(0), torch.empty(0), 0
    for part in score_parts(critic, pairs, block):
        if not start:
            joint, product = (each.new_empty(len(pairs[0]), *each.shape[1:]) for each in part)
        rows = slice(start, start + len(part[0]))
        joint[rows], product[rows] = part
        start = rows.stop
    return joint, product


def score_parts(
    critic: nn.Module, pairs: Pairs, block: int
) -> Iterator[tuple[JointScores, ProductScores]]:
    """`score` for any number of rows, at least 2, a part of them at a time, without a gradient.

    Blocks are of size `block` or a little more, to leave few rows over: these borrow partners from
    the block before, whose y then count more often than others. What the critic draws, if it draws
    anything, is the same on every call.
    """
    n = len(pairs[0])
    block = n // max(1, n // block)
    separable = isinstance(critic, SeparableCritic)
    at_once = max(1, (SCORES_OF_TWO if separable else SCORES) // block**2) * block
    rows = block if separable else max(1, min(block, SCORES // block))
    full = n - n % block
    for start in range(0, full, at_once):
        part = [side[start : min(start + at_once, full)] for side in pairs]
        yield block_scores(_scored(critic, part, block, rows))
    if full < n:
        joint, product = block_scores(
            _scored(critic, [side[-block:] for side in pairs], block, rows)
        )
        yield joint[full - n :], product[full - n :]


@torch.no_grad()
def _scored(critic: nn.Module, part: Sequence[Tensor], block: int, rows: int) -> Tensor:
    """`_grid` of all rows, a few rows of each block at a time."""
    x, y = (side.view(-1, block, side.shape[1]) for side in part)
    # `Chance` costs ten microseconds an operation: a third of a look at the validation rows.
    with nullcontext() if draws_nothing(critic) else Chance(0):
        if rows >= block:
            return _grid(critic, x, y)
        starts = range(0, block, rows)
        return torch.cat([_grid(critic, x, y, slice(i, i + rows)) for i in starts], 1)
