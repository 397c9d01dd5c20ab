"""Gradients of information: how I(X; Z) changes with the encoder that makes z, without its value.

For a representation z = e(x), or e(x, noise), of parameters ψ, the entropies in I(X; Z) = H(X) +
H(Z) − H(X, Z) have gradients that need no density, only the *score function* of one, ∇ log q:

    ∇ψ H(Z)    = −E[∇_z log q(z) · dz/dψ]
    ∇ψ I(X; Z) =  E[(∇_z log q(x, z) − ∇_z log q(z)) · dz/dψ]

The score functions are estimated from the batch itself (`SSGE`), so there is no critic to train and
no bound to saturate. There is no value either: `information_gradient` and `entropy_gradient` return
a zero that carries the gradient, to be added to a loss and never to be read as an estimate.

    loss = task_loss - beta * information_gradient(x, z)    # informative representations
    loss = task_loss + beta * information_gradient(x, z)    # a bottleneck

Here alone "score" means ∇ log q, as it does in statistics, and not the output of a critic.

stein.py        the score function of samples
information.py  the zeros that carry the gradient

References:
    Wen, Zhou, He, Zhou & Xu (2020), Mutual Information Gradient Estimation for Representation
    Learning (MIGE), arXiv:2005.01123.
    Shi, Sun & Zhu (2018), A Spectral Approach to Gradient Estimation for Implicit Distributions
    (SSGE), arXiv:1806.02925.
"""

from mineral.gradients.information import (
    RandomProjection,
    entropy_gradient,
    information_gradient,
)
from mineral.gradients.stein import SSGE, ScoreEstimator

__all__ = ["SSGE", "RandomProjection", "ScoreEstimator", "entropy_gradient", "information_gradient"]
