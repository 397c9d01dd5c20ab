"""What an estimate of the default probably leaves out: measured on random laws, not derived.

Whatever is chosen, dependence that it cannot see stays unseen, and no error from the samples says
how much. On the first 70 laws of `benchmarks/atlas.py`, shortfalls beyond the sampling error grew
with the value, shrank like one over the root of the rows, and were small in few dimensions, where
neighbours see nearly all. With these shares, the upper ends of intervals held on 19 of 20.
"""

import math

NEAR_DIMS = 3  # dx + dy, up to which neighbours see nearly all
NEAR, FAR = 0.12, 0.3  # of the value, at 1,000 rows
ROWS = 1000


def allowance(value: float, n: int, dims: int) -> float:
    """Nats by which the upper end of a 95 % interval has to reach further.

    Args:
        value: The estimate, in nats.
        n: Rows.
        dims: dx + dy.
    """
    share = NEAR if dims <= NEAR_DIMS else FAR
    return float(max(0.0, value) * min(1.0, share * math.sqrt(ROWS / n)))
