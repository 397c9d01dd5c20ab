"""Objectives that keep a critic from drifting, and averages over batches.

A constant added to a critic leaves Donsker–Varadhan and InfoNCE as they are, so during training it
wanders: E_p[f] and log E_q[exp f] shift together, the weights do not settle, and averages over
batches mix different constants. A penalty λ (log E_q[exp f] − C*)² picks one constant. It costs no
tightness, as the best critic may have any. Bounds that have one best constant already are drawn
towards it.

The penalty acts on the gradient only: the value of every function here is the value of the bound.

References:
    Choi & Lee (2022), Combating the Instability of Mutual Information-based Losses via
    Regularization, arXiv:2011.07932.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mineral.basics.numerics import logmeanexp, off_diagonal
from mineral.basics.types import Bound, JointScores, Nats, ProductScores
from mineral.bounds.contrastive import infonce
from mineral.bounds.divergence import jensen_shannon, smile
from mineral.bounds.partition import donsker_varadhan, nwj, tuba
from mineral.bounds.shapes import checked, checked_batches


@checked
def drift_penalty(log_partition: Nats, *, weight: float = 1.0, target: float = 0.0) -> Nats:
    """0, with the gradient of λ (log Z − C*)²: subtract it from any objective.

    Args:
        log_partition: log Z, what the objective leaves free.
        weight: λ.
        target: C*.

    Example:
        >>> log_z = torch.tensor(3.0, requires_grad=True)
        >>> penalty = drift_penalty(log_z, weight=0.1, target=1.0)
        >>> penalty.backward()
        >>> penalty.item(), log_z.grad
        (0.0, tensor(0.4000))
    """
    penalty = weight * (log_partition - target).square()
    return penalty - penalty.detach()


@checked
def remine(
    joint: JointScores, product: ProductScores, *, weight: float = 1.0, target: float = 0.0
) -> Nats:
    """`donsker_varadhan`; its gradient draws log E_q[exp f] to C*. Called ReMINE.

    The value is the Donsker–Varadhan bound, whatever the weight.
    """
    penalty = drift_penalty(logmeanexp(product), weight=weight, target=target)
    return donsker_varadhan(joint, product) - penalty


@checked
def remine_j(joint: JointScores, product: ProductScores, *, target: float = 0.0) -> Nats:
    """I(X; Y) ≈ E_p[f] − C*, for a critic trained by `remine`: the joint term alone. ReMINE-J.

    Neither bound: it takes log E_q[exp f] = C* for granted. In return it has the variance of f
    only. The product scores take no part.
    """
    return joint.mean() - target


@checked
def renwj(joint: JointScores, product: ProductScores, *, weight: float = 1.0) -> Nats:
    """`nwj`; its gradient draws E_q[exp(f − 1)] to 1, where the best critic has it anyway.

    The distance is taken in the logarithm, log E_q[exp(f − 1)] to 0: the same target, and safe for
    large scores. Drawing E_q[exp f] to 1 instead, or E_q[exp(f − 1)] to 0, would pull the critic
    away from the optimum.
    """
    return nwj(joint, product) - drift_penalty(logmeanexp(product - 1), weight=weight)


@checked
def retuba(
    scores: Float[Tensor, "n n"], log_baseline: Float[Tensor, " n"] | float, *, weight: float = 1.0
) -> Nats:
    """`tuba`; its gradient draws E_q[exp f / a(y)] to 1, where the best critic has it anyway."""
    log_partition = logmeanexp(off_diagonal(scores - log_baseline))
    return tuba(scores, log_baseline) - drift_penalty(log_partition, weight=weight)


@checked
def reinfonce(
    joint: JointScores, product: ProductScores, *, weight: float = 1.0, target: float = 0.0
) -> Nats:
    """`infonce`; its gradient draws the mean over x of log mean exp f(x, ·) to C*.

    The inner mean is InfoNCE's own, over 1 joint and m product scores.
    """
    value = infonce(joint, product)
    # joint.mean() − value is the mean of InfoNCE's log denominators.
    return value - drift_penalty(joint.mean() - value, weight=weight, target=target)


@checked
def rejs(joint: JointScores, product: ProductScores, *, weight: float = 1.0) -> Nats:
    """`jensen_shannon`; its gradient draws E_q[exp f] to 1, where the best critic has it anyway.

    Report `shifted_nwj`.
    """
    return jensen_shannon(joint, product) - drift_penalty(logmeanexp(product), weight=weight)


@checked
def resmile(
    joint: JointScores,
    product: ProductScores,
    *,
    tau: float = 5.0,
    weight: float = 1.0,
    target: float = 0.0,
) -> Nats:
    """`smile`, trained as it is; its gradient draws log E_q[exp f], unclipped, to C*.

    Unlike SMILE it is not trained by `jensen_shannon`. Clipped product scores have no gradient in
    the bound: the penalty, on unclipped ones, brings them back.
    """
    penalty = drift_penalty(logmeanexp(product), weight=weight, target=target)
    return smile(joint, product, tau=tau) - penalty


def micro_average(bound: Bound, batches: Sequence[tuple[Tensor, Tensor]]) -> Nats:
    """The bound once, on the scores of all batches together.

    Less biased than `macro_average`, if the critic did not drift from batch to batch.

    Args:
        bound: (joint, product) scores to nats.
        batches: (joint, product) scores, with the same m in all.
    """
    checked_batches(batches, same_m=True)
    joint, product = (torch.cat(scores) for scores in zip(*batches, strict=True))
    return bound(joint, product)


def macro_average(bound: Bound, batches: Sequence[tuple[Tensor, Tensor]]) -> Nats:
    """The mean of the bound over batches.

    Each carries the bias of its own size, as with a logarithm of a mean, and averaging keeps it.

    Args:
        bound: (joint, product) scores to nats.
        batches: (joint, product) scores.
    """
    checked_batches(batches, same_m=False)
    return torch.stack([bound(joint, product) for joint, product in batches]).mean()
