"""The bias allowance of the default: measured on random distributions, not derived.

A standard error does not include dependence that every candidate misses. On the first 70
distributions of `benchmarks/atlas.py`, shortfalls beyond the sampling error grew with the value,
decreased like one over the square root of the number of rows, and were small in few dimensions.
With these shares, intervals covered 93 % and 97 % of those values at 200 and 1,000 rows, and as
many of the next 70.
"""

import math

from mineral.methods.default.profile import FEW_DIMS

SHARE_FEW_DIMS, SHARE_MANY_DIMS = 0.12, 0.4  # of the value, at 1,000 rows
UNSEEN_FEW_DIMS, UNSEEN_MANY_DIMS = 0.03, 0.1  # nats, for a value of 0, at 1,000 rows
REFERENCE_ROWS = 1000


def bias_allowance(value: float, n: int, dims: int) -> float:
    """The nats to add to the upper end of a 95 % interval.

    Args:
        value: The estimate, in nats.
        n: Rows.
        dims: dx + dy.
    """
    few = dims <= FEW_DIMS
    share, unseen = (
        (SHARE_FEW_DIMS, UNSEEN_FEW_DIMS) if few else (SHARE_MANY_DIMS, UNSEEN_MANY_DIMS)
    )
    scale = math.sqrt(REFERENCE_ROWS / n)
    return math.hypot(max(0.0, value) * min(1.0, share * scale), unseen * scale)
