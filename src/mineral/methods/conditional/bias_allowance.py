"""What an estimate given Z probably leaves out: measured on random laws, not derived.

The shares are those of the default without a condition, in dx + dy dimensions where residuals are
independent of Z. Where they are not, dependence hides in all of dx + dy + dz: on 60 random laws of
`python benchmarks/conditional.py random --n 1000` without this the truth lay above the interval
six times, mostly of t distributions in four or more dimensions.
"""

from mineral.methods.default.bias_allowance import bias_allowance as without_condition


def bias_allowance(value: float, n: int, dims: int, dim_z: int, *, is_exact: bool) -> float:
    """Nats by which the upper end of a 95 % interval reaches further.

    Args:
        value: The estimate, in nats.
        n: Rows.
        dims: dx + dy.
        dim_z: dz.
        is_exact: Whether residuals are independent of Z, by a test.
    """
    return without_condition(value, n, dims if is_exact else dims + dim_z)
