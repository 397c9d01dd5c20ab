"""Variational bounds on mutual information, as functions of critic scores.

A critic f scores pairs. Every bound compares the scores of two kinds of pairs,

    joint[i]      = f(x_i, y_i)       (x_i, y_i)   ~ p = p(x, y)
    product[i, j] = f(x_i, y'_ij)     (x_i, y'_ij) ~ q = p(x) p(y)

and returns one number, in nats. Bounds know nothing of networks, data or training.

Where a bound needs to know which y a product score belongs to (a baseline a(y), one y against many
x), it takes the matrix of all pairs of a batch instead,

    scores[i, j]  = f(x_i, y_j)       axis 0 is x, axis 1 is y

whose diagonal is the joint; `critics.split_scores` makes joint and product scores of it. What
belongs to y alone, such as log a(y_j), has shape (n,) and goes with axis 1. A row (x_i with many y)
ignores what is added to f as c(x), a column what is added as c(y).

The best critic is the pointwise mutual information pmi = log p / q, up to what the bound ignores.
Every function is differentiable, in float32 and float64, and finite with finite gradients for
scores of any size that may occur (up to 1e18 in float32), never by clipping a score unasked.

The shapes of all tensors are checked at each call: `bounds.shapes`.

What training maximizes and what is reported are two functions: `BOUNDS` has the pair for each
method, and says whether the value is a lower bound, an upper bound or neither.

partition.py    lower bounds that normalize the critic by its partition function, or a guess at it
contrastive.py  InfoNCE and its kin: the true partner among others
divergence.py   critics trained as classifiers or by an f-divergence
regularized.py  objectives with a penalty for drift, and moving averages
conditional.py  bounds of known or modelled densities
ascent.py       gradients of training objectives, written out
shapes.py       the check of shapes
table.py        `BOUNDS`: the objective and the reported value of each method

References:
    Poole et al. (2019), On Variational Bounds of Mutual Information, arXiv:1905.06922.
"""

from mineral.bounds.conditional import (
    barber_agakov,
    club,
    club_sampled,
    leave_one_out_upper,
    log_likelihood,
    marginal_log_likelihood,
    structured_critic,
    structured_infonce,
    structured_nwj,
    variational_upper,
)
from mineral.bounds.contrastive import (
    infonce,
    infonce_anchor,
    interpolated,
    interpolated_rows,
)
from mineral.bounds.divergence import (
    gan_divergence,
    hellinger_divergence,
    jensen_shannon,
    plug_in,
    smile,
)
from mineral.bounds.partition import (
    MovingAverageDV,
    donsker_varadhan,
    flo,
    nwj,
    shifted_nwj,
    tuba,
    unnormalized_barber_agakov,
)
from mineral.bounds.regularized import (
    drift_penalty,
    macro_average,
    micro_average,
    reinfonce,
    rejs,
    remine,
    remine_j,
    renwj,
    resmile,
    retuba,
)
from mineral.bounds.table import BOUNDS, BoundEntry

__all__ = [
    "BOUNDS",
    "BoundEntry",
    "MovingAverageDV",
    "barber_agakov",
    "club",
    "club_sampled",
    "donsker_varadhan",
    "drift_penalty",
    "flo",
    "gan_divergence",
    "hellinger_divergence",
    "infonce",
    "infonce_anchor",
    "interpolated",
    "interpolated_rows",
    "jensen_shannon",
    "leave_one_out_upper",
    "log_likelihood",
    "macro_average",
    "marginal_log_likelihood",
    "micro_average",
    "nwj",
    "plug_in",
    "reinfonce",
    "rejs",
    "remine",
    "remine_j",
    "renwj",
    "resmile",
    "retuba",
    "shifted_nwj",
    "smile",
    "structured_critic",
    "structured_infonce",
    "structured_nwj",
    "tuba",
    "unnormalized_barber_agakov",
    "variational_upper",
]
