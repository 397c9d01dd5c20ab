"""What an estimate given Z probably leaves out: measured on random laws, not derived."""

from mineral.methods.default.bias_allowance import bias_allowance as without_condition


def bias_allowance(value: float, n: int, dims: int) -> float:
    """Nats by which the upper end of a 95 % interval reaches further.

    Args:
        value: The estimate, in nats.
        n: Rows.
        dims: dx + dy.
    """
    return without_condition(value, n, dims)
